// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/config/field.h"

namespace soco {

/// One option for --help and for the documentation.
struct OptionDoc {
  std::string key;            ///< "train.epochs"; "views[].size" for an item of a list
  std::string type;           ///< "int", "number", "string", "path", "bool", "choice", "list of int"; "... or auto"
  std::string default_value;  ///< as TOML
  std::string doc;
  std::string allowed;  ///< range or choices, "" when any
};

namespace detail {

void load_table(const FieldList& fields, const ConfigTable& table, const std::string& name);
void override_field(const FieldList& fields, std::string_view assignment);
std::string dump_fields(const FieldList& fields);
std::vector<OptionDoc> describe_fields(const FieldList& fields);
void validate_fields(const FieldList& fields);
std::string read_config_text(const std::filesystem::path& path);

}  // namespace detail

/// Sets the fields a TOML text names; `name` stands for it in errors. Keys it does not name keep their value; a list it
/// names is replaced whole. Usage error "name:line:column: ..." for bad TOML, an unknown key (with a suggestion), a
/// wrong type, a value out of range; the options are then unchanged. Does not call validate(): see validate_options.
template <class O>
void load_toml(O& options, std::string_view text, const std::string& name) {
  O changed = options;
  detail::load_table(collect_fields(changed), parse_toml(std::string(text), name), name);
  options = std::move(changed);
}

/// load_toml of a file (at most 4 MiB).
template <class O>
void load_toml_file(O& options, const std::filesystem::path& path) {
  load_toml(options, detail::read_config_text(path), path.string());
}

/// Sets one field from "a.b=value": "views.1.size=112", "lr=1e-3", "steps=[1,2]" (brackets may be left out), "name=x y"
/// (quotes may be left out), "batch_size=auto", "view={...}". Usage error as load_toml; the options are then unchanged.
template <class O>
void apply_override(O& options, std::string_view assignment) {
  O changed = options;
  detail::override_field(collect_fields(changed), assignment);
  options = std::move(changed);
}

/// All fields as TOML: load_toml of it gives the same options again. Error when a text is not UTF-8.
template <class O>
std::string dump_toml(const O& options) {
  O copy = options;
  return detail::dump_fields(collect_fields(copy));
}

/// All options with the given values as defaults, in the order of visit(), nested ones with dotted keys.
template <class O>
std::vector<OptionDoc> describe(const O& options) {
  O copy = options;
  return detail::describe_fields(collect_fields(copy));
}

/// Calls validate() of every nested options struct that has one, innermost first, then of the struct itself. Errors of
/// nested ones begin with their section.
template <class O>
void validate_options(const O& options) {
  O copy = options;
  detail::validate_fields(collect_fields(copy));
  detail::validate_one(copy);
}

}  // namespace soco

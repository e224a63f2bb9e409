// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>

#include "soco/config/options.h"

namespace soco::detail {
namespace {

constexpr std::size_t kMaxNamedKeys = 30;  // of a section, in an error about an unknown one
constexpr std::size_t kMaxItems = 1000;    // tables in a list: more is no configuration

// Where an error is: "file:line:column", or the text of the override.
using Place = std::string;

// Where the values come from: `name` is a file's name, or the whole override, whose values have no lines.
struct Source {
  std::string name;

  Place at(int line, int column) const { return line > 0 ? fmt::format("{}:{}:{}", name, line, column) : name; }
};

std::string joined(const std::string& prefix, std::string_view key) {
  return prefix.empty() ? std::string(key) : fmt::format("{}.{}", prefix, key);
}

const Field& find_field(const FieldList& fields, const std::string& key, const std::string& section,
                        const Place& place) {
  std::vector<std::string> keys;
  for (const Field& field : fields) {
    if (field.key == key) return field;
    keys.push_back(field.key);
  }
  std::string hint = did_you_mean(key, keys);
  if (hint.empty() && !keys.empty() && keys.size() <= kMaxNamedKeys) {
    hint = fmt::format("; its keys are {}", fmt::join(keys, ", "));
  }
  const std::string where = section.empty() ? "at the top level" : "in [" + section + "]";
  fail_usage("{}: unknown key '{}' {}{}", place, shortened(key), where, hint);
}

void load_fields(const FieldList& fields, const ConfigTable& table, const std::string& section, const Source& source);

void set_section(const Field& field, const ConfigValue& value, const std::string& path, const Source& source) {
  const ConfigTable* table = std::get_if<ConfigTable>(&value.data);
  if (table == nullptr) {
    fail_usage("{}: {} {}", source.at(value.line, value.column), path, type_problem(value, "a table"));
  }
  load_fields(field.children(), *table, path, source);
}

void set_section_list(const Field& field, const ConfigValue& value, const std::string& path, const Source& source) {
  const ConfigList* list = std::get_if<ConfigList>(&value.data);
  const Place place = source.at(value.line, value.column);
  if (list == nullptr) fail_usage("{}: {} {}", place, path, type_problem(value, "a list of tables"));
  if (list->size() > kMaxItems)
    fail_usage("{}: {} has {} items, at most {} are allowed", place, path, list->size(), kMaxItems);
  field.reset(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    const ConfigValue& item = (*list)[i];
    const std::string item_path = joined(path, std::to_string(i));
    const ConfigTable* table = std::get_if<ConfigTable>(&item.data);
    if (table == nullptr) {
      fail_usage("{}: {} {}", source.at(item.line, item.column), item_path, type_problem(item, "a table"));
    }
    load_fields(field.item(i), *table, item_path, source);
  }
}

void set_field(const Field& field, const ConfigValue& value, const std::string& path, const Source& source) {
  if (field.type == FieldType::kSection) return set_section(field, value, path, source);
  if (field.type == FieldType::kSectionList) return set_section_list(field, value, path, source);
  const std::string problem = field.set(value);
  if (problem.empty()) return;
  fail_usage("{}: {} {}{}", source.at(value.line, value.column), path, problem, field.optional ? ", or \"auto\"" : "");
}

void load_fields(const FieldList& fields, const ConfigTable& table, const std::string& section, const Source& source) {
  for (const ConfigEntry& entry : table) {
    const Field& field = find_field(fields, entry.key, section, source.at(entry.line, entry.column));
    set_field(field, entry.value, joined(section, entry.key), source);
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The value as TOML writes it; nothing when the text is no single value.
std::optional<ConfigValue> value_of_toml(std::string_view text) {
  try {
    ConfigTable table = parse_toml(fmt::format("value = {}", text), "");
    if (table.size() != 1) return std::nullopt;  // a line end smuggled in a second key
    return std::move(table.front().value);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_text(const Field& field) {
  return field.type == FieldType::kString || field.type == FieldType::kPath || field.type == FieldType::kEnum;
}

// Numbers as people write them but TOML does not: ".5", "2.".
std::optional<ConfigValue> loose_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return ConfigValue{number};
}

ConfigValue scalar_of_text(const Field& field, std::string_view text) {
  const bool quoted = !text.empty() && (text.front() == '"' || text.front() == '\'');
  const bool raw = (is_text(field) && !quoted) || (field.optional && text == kAuto);
  if (raw) return {std::string(text)};
  if (auto value = value_of_toml(text)) return *std::move(value);
  if (field.type == FieldType::kNumber) {
    if (auto value = loose_number(text)) return *std::move(value);
  }
  return {std::string(text)};  // the field will say what it wants instead
}

// "[a, b]", or "a, b": parts between commas, each read as a value of its own.
ConfigValue list_of_text(const Field& field, std::string_view text) {
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  const std::string_view inner = trimmed(bracketed ? text.substr(1, text.size() - 2) : text);
  if (inner.find_first_of("\"'") != std::string_view::npos) {  // quotes may hold commas: TOML decides
    if (auto value = value_of_toml(fmt::format("[{}]", inner))) return *std::move(value);
  }
  ConfigList list;
  for (std::size_t begin = 0; begin < inner.size();) {
    const std::size_t end = std::min(inner.find(',', begin), inner.size());
    list.push_back(scalar_of_text(field, trimmed(inner.substr(begin, end - begin))));
    begin = end + 1;
  }
  return {std::move(list)};
}

ConfigValue value_of_text(const Field& field, std::string_view text) {
  if (field.type == FieldType::kSection || field.type == FieldType::kSectionList) {
    if (auto value = value_of_toml(text)) return *std::move(value);
    return {std::string(text)};
  }
  return field.list ? list_of_text(field, text) : scalar_of_text(field, text);
}

// Error messages about an override name it whole; the lines of its value mean nothing.
void forget_places(ConfigValue& value) {
  value.line = value.column = 0;
  if (auto* list = std::get_if<ConfigList>(&value.data)) {
    for (ConfigValue& item : *list) forget_places(item);
  } else if (auto* table = std::get_if<ConfigTable>(&value.data)) {
    for (ConfigEntry& entry : *table) {
      entry.line = entry.column = 0;
      forget_places(entry.value);
    }
  }
}

std::size_t parse_index(std::string_view text, std::size_t count, const std::string& path, const Source& source) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    fail_usage("{}: '{}' must be the index of an item of {}, which has {}", source.name, shortened(text), path, count);
  }
  if (index >= count)
    fail_usage("{}: {} has {} items, so item {} is not there; the first is 0", source.name, path, count, index);
  return index;
}

// Follows the rest of the key below `fields` and sets the field it ends at.
void override_below(const FieldList& fields, std::string_view key, const std::string& prefix, std::string_view text,
                    const Source& source) {
  const std::size_t dot = key.find('.');
  const Field& field = find_field(fields, std::string(key.substr(0, dot)), prefix, source.name);
  const std::string path = joined(prefix, field.key);
  if (dot == std::string_view::npos) {
    ConfigValue value = value_of_text(field, text);
    forget_places(value);
    return set_field(field, value, path, source);
  }
  const std::string_view rest = key.substr(dot + 1);
  if (field.type == FieldType::kSection) return override_below(field.children(), rest, path, text, source);
  if (field.type != FieldType::kSectionList)
    fail_usage("{}: {} is no table, so it has no key '{}'", source.name, path, shortened(rest));
  const std::size_t second = rest.find('.');
  const std::size_t index = parse_index(rest.substr(0, second), field.count(), path, source);
  const std::string item_path = joined(path, std::to_string(index));
  if (second == std::string_view::npos)
    fail_usage("{}: name a key of the item, as in {}.KEY=VALUE", source.name, item_path);
  override_below(field.item(index), rest.substr(second + 1), item_path, text, source);
}

}  // namespace

void load_table(const FieldList& fields, const ConfigTable& table, const std::string& name) {
  load_fields(fields, table, "", Source{name});
}

void override_field(const FieldList& fields, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  const Source source{shortened(assignment)};
  if (equals == std::string_view::npos) fail_usage("'{}' must have the form KEY=VALUE", source.name);
  const std::string_view key = trimmed(assignment.substr(0, equals));
  if (key.empty()) fail_usage("'{}' must have a key before '=', as in KEY=VALUE", source.name);
  override_below(fields, key, "", trimmed(assignment.substr(equals + 1)), source);
}

}  // namespace soco::detail

// SPDX-License-Identifier: MIT
#include "soco/config/options.h"

#include "soco/base/file.h"

namespace soco::detail {
namespace {

constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{4} << 20;

std::string joined(const std::string& prefix, const std::string& key) {
  return prefix.empty() ? key : prefix + "." + key;
}

std::string type_name(const Field& field) {
  switch (field.type) {
    case FieldType::kBool:
      return "bool";
    case FieldType::kInteger:
      return "int";
    case FieldType::kNumber:
      return "number";
    case FieldType::kString:
      return "string";
    case FieldType::kPath:
      return "path";
    case FieldType::kEnum:
      return "choice";
    case FieldType::kSection:
      return "table";
    case FieldType::kSectionList:
      return "list of tables";
  }
  return {};
}

// The scalars of a struct must come before its first sub-table, whose header would swallow them.
void dump_values(const FieldList& fields, std::string& out) {
  for (const Field& field : fields) {
    if (field.type == FieldType::kSection) continue;
    if (field.type == FieldType::kSectionList) {
      if (field.count() == 0) out += field.key + " = []\n";
    } else {
      out += field.key + " = " + toml_text(field.get()) + "\n";
    }
  }
}

void dump_under(const FieldList& fields, const std::string& prefix, std::string& out) {
  dump_values(fields, out);
  for (const Field& field : fields) {
    const std::string path = joined(prefix, field.key);
    if (field.type == FieldType::kSection) {
      out += fmt::format("\n[{}]\n", path);
      dump_under(field.children(), path, out);
    } else if (field.type == FieldType::kSectionList) {
      for (std::size_t i = 0; i < field.count(); ++i) {
        out += fmt::format("\n[[{}]]\n", path);
        dump_under(field.item(i), path, out);
      }
    }
  }
}

OptionDoc describe_value_field(const Field& field, std::string key) {
  OptionDoc doc{std::move(key), type_name(field), toml_text(field.get()), field.doc, field.allowed};
  if (field.list) doc.type = "list of " + doc.type;
  if (field.optional) doc.type += " or auto";
  return doc;
}

void describe_under(const FieldList& fields, const std::string& prefix, std::vector<OptionDoc>& out) {
  for (const Field& field : fields) {
    const std::string key = joined(prefix, field.key);
    if (field.type == FieldType::kSection) {
      describe_under(field.children(), key, out);
    } else if (field.type == FieldType::kSectionList) {
      out.push_back({key, type_name(field), fmt::format("{} item{}", field.count(), field.count() == 1 ? "" : "s"),
                     field.doc, ""});
      const FieldExample example = field.example();
      describe_under(example.fields, key + "[]", out);
    } else {
      out.push_back(describe_value_field(field, key));
    }
  }
}

// Runs a struct's own rules; an error says which struct it is about.
void validate_at(const std::string& path, const std::function<void()>& rules) {
  try {
    rules();
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("in [{}]: {}", path, error.what()));
  }
}

void validate_under(const FieldList& fields, const std::string& prefix) {
  for (const Field& field : fields) {
    const std::string path = joined(prefix, field.key);
    if (field.type == FieldType::kSection) {
      validate_under(field.children(), path);
      validate_at(path, field.validate);
    } else if (field.type == FieldType::kSectionList) {
      for (std::size_t i = 0; i < field.count(); ++i) {
        const std::string item_path = joined(path, std::to_string(i));
        validate_under(field.item(i), item_path);
        validate_at(item_path, [&] { field.validate_item(i); });
      }
    }
  }
}

}  // namespace

std::string dump_fields(const FieldList& fields) {
  std::string out;
  dump_under(fields, "", out);
  return out;
}

std::vector<OptionDoc> describe_fields(const FieldList& fields) {
  std::vector<OptionDoc> out;
  describe_under(fields, "", out);
  return out;
}

void validate_fields(const FieldList& fields) { validate_under(fields, ""); }

std::string read_config_text(const std::filesystem::path& path) { return read_text_file(path, kMaxConfigBytes); }

}  // namespace soco::detail

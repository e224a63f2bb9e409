// SPDX-License-Identifier: MIT
#include "soco/config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "soco/base/error.h"
#include "soco/base/utf8.h"

namespace soco {
namespace {

constexpr std::size_t kMaxShown = 60;  // bytes of a value in an error message

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// The shortest decimal that reads back as the same double, with a mark that it is no integer.
std::string number_text(double value) {
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".ein") == std::string::npos ? text + ".0" : text;
}

std::string escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    default:
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7F
                 ? fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)))
                 : std::string(1, c);
  }
}

std::string table_text(const ConfigTable& table) {
  std::string text;
  for (const ConfigEntry& entry : table) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", toml_quote(entry.key), toml_text(entry.value));
  }
  return "{" + text + "}";
}

std::string list_text(const ConfigList& list) {
  std::string text;
  for (const ConfigValue& value : list) text += (text.empty() ? "" : ", ") + toml_text(value);
  return "[" + text + "]";
}

ConfigValue value_from_toml(const toml::node& node);

ConfigTable table_from_toml(const toml::table& table) {
  ConfigTable entries;
  for (auto&& [key, node] : table) {
    const auto& place = key.source().begin;
    entries.push_back(
        {std::string(key.str()), value_from_toml(node), static_cast<int>(place.line), static_cast<int>(place.column)});
  }
  // The library sorts by name; errors should come in the order of the file.
  std::stable_sort(entries.begin(), entries.end(), [](const ConfigEntry& a, const ConfigEntry& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return entries;
}

ConfigValue value_from_toml(const toml::node& node) {
  ConfigValue value;
  value.line = static_cast<int>(node.source().begin.line);
  value.column = static_cast<int>(node.source().begin.column);
  if (const auto* flag = node.as_boolean()) {
    value.data = flag->get();
  } else if (const auto* integer = node.as_integer()) {
    value.data = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* table = node.as_table()) {
    value.data = table_from_toml(*table);
  } else if (const auto* array = node.as_array()) {
    ConfigList list;
    for (const toml::node& item : *array) list.push_back(value_from_toml(item));
    value.data = std::move(list);
  } else {
    value.data = ConfigOther{node.is_date() ? "date" : node.is_time() ? "time" : "date and time"};
  }
  return value;
}

}  // namespace

std::string shortened(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7F ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  if (text.size() <= kMaxShown) return shown;
  // The cut may have split a character.
  while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xC0) == 0x80) shown.pop_back();
  if (!shown.empty() && static_cast<unsigned char>(shown.back()) >= 0xC0) shown.pop_back();
  return shown + "...";
}

std::string describe_value(const ConfigValue& value) {
  return std::visit(Overloaded{
                        [](bool flag) { return std::string(flag ? "the boolean true" : "the boolean false"); },
                        [](std::int64_t integer) { return fmt::format("the integer {}", integer); },
                        [](double number) { return "the number " + number_text(number); },
                        [](const std::string& text) { return "the string '" + shortened(text) + "'"; },
                        [](const ConfigList& list) { return fmt::format("a list of {}", list.size()); },
                        [](const ConfigTable&) { return std::string("a table"); },
                        [](const ConfigOther& other) { return "a " + other.type; },
                    },
                    value.data);
}

std::string toml_quote(const std::string& text) {
  if (!is_utf8(text)) {
    fail("the text '{}' is not UTF-8, so it cannot be written to a TOML file; rename the file or folder it names",
         shortened(text));
  }
  std::string quoted = "\"";
  for (char c : text) quoted += escape(c);
  return quoted + "\"";
}

std::string toml_text(const ConfigValue& value) {
  return std::visit(Overloaded{
                        [](bool flag) { return std::string(flag ? "true" : "false"); },
                        [](std::int64_t integer) { return fmt::format("{}", integer); },
                        [](double number) { return number_text(number); },
                        [](const std::string& text) { return toml_quote(text); },
                        [](const ConfigList& list) { return list_text(list); },
                        [](const ConfigTable& table) { return table_text(table); },
                        [](const ConfigOther&) -> std::string {
                          SOCO_ASSERT(!"no field gives a date");
                          return {};
                        },
                    },
                    value.data);
}

ConfigTable parse_toml(const std::string& text, const std::string& name) {
  try {
    return table_from_toml(toml::parse(text, name));
  } catch (const toml::parse_error& error) {
    const auto& place = error.source().begin;
    fail_usage("{}:{}:{}: not valid TOML: {}", name, place.line, place.column, error.description());
  }
}

}  // namespace soco

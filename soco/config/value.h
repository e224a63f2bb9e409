// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace soco {

struct ConfigValue;
struct ConfigEntry;

using ConfigList = std::vector<ConfigValue>;
using ConfigTable = std::vector<ConfigEntry>;

/// A TOML value a field cannot take (a date or a time); `type` is its name.
struct ConfigOther {
  std::string type;
  bool operator==(const ConfigOther&) const = default;
};

/// A value of a configuration before a field has taken it, with the place it was read from.
struct ConfigValue {
  std::variant<bool, std::int64_t, double, std::string, ConfigList, ConfigTable, ConfigOther> data;
  int line = 0;    ///< from 1; 0 when it was not read from a text
  int column = 0;  ///< from 1
};

/// A key of a table and its value.
struct ConfigEntry {
  std::string key;
  ConfigValue value;
  int line = 0;    ///< of the key; 0 when it was not read from a text
  int column = 0;  ///< of the key, from 1
};

/// "the string 'abc'", "the integer 12": the type and the value (shortened) for an error message.
std::string describe_value(const ConfigValue& value);

/// The value as TOML on one line. Error when a text is not UTF-8, which TOML cannot hold.
std::string toml_text(const ConfigValue& value);

/// A text as a quoted TOML string. Error when it is not UTF-8.
std::string toml_quote(const std::string& text);

/// A text made fit for one line of an error message: control characters written out, at most 60 bytes.
std::string shortened(std::string_view text);

/// Parses a whole document. Usage error "name:line:column: ..." when it is not TOML.
ConfigTable parse_toml(const std::string& text, const std::string& name);

}  // namespace soco

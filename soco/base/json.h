// SPDX-License-Identifier: MIT
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace soco {

/// JSON whose objects keep the order of their keys.
using Json = nlohmann::ordered_json;

/// Parses a whole text. Error naming `name`, and the byte of the fault, when it is not JSON, nests deeper than
/// max_depth (checked before parsing) or repeats a key in an object. Who reads the text bounds its size.
Json parse_json(std::string_view text, const std::string& name, int max_depth = 64);

/// The text of a value; indent < 0 writes one line. Bytes that are not UTF-8 become U+FFFD instead of an error.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

namespace soco {

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view bytes);

}  // namespace soco

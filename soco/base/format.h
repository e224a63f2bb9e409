// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

namespace soco {

/// "0.25s", "12.3s", "4m05s", "1h02m", "3d04h"; "?" for a value that is negative or not finite.
std::string format_duration(double seconds);

/// "512 B", "4.3 GiB": powers of 1024, one decimal.
std::string format_bytes(std::uint64_t bytes);

/// Thousands apart: "1,234,567".
std::string format_count(std::int64_t count);

}  // namespace soco

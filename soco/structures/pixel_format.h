// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

namespace soco {

enum class ElementType { kFloat32, kBfloat16 };
enum class PixelLayout { kChw, kHwc };  ///< planes, or pixels (a channels-last batch)

constexpr std::size_t element_bytes(ElementType type) { return type == ElementType::kFloat32 ? 4 : 2; }

}  // namespace soco

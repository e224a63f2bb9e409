// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

namespace soco {

enum class ElementType { kFloat32, kBfloat16, kUint8 };
enum class PixelLayout { kChw, kHwc };  ///< planes, or pixels (a channels-last batch)

constexpr std::size_t element_bytes(ElementType type) {
  return type == ElementType::kFloat32 ? 4 : type == ElementType::kBfloat16 ? 2 : 1;
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

#include "soco/base/error.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// One element type by its names in foreign files.
struct ElementType {
  DType dtype;
  std::string_view torch_storage;  // class in module torch
  std::string_view numpy_code;     // without byte order; empty: numpy has none
};

inline constexpr std::array<ElementType, 10> kElementTypes{{{DType::kFloat64, "DoubleStorage", "f8"},
                                                            {DType::kFloat32, "FloatStorage", "f4"},
                                                            {DType::kFloat16, "HalfStorage", "f2"},
                                                            {DType::kBFloat16, "BFloat16Storage", ""},
                                                            {DType::kInt64, "LongStorage", "i8"},
                                                            {DType::kInt32, "IntStorage", "i4"},
                                                            {DType::kInt16, "ShortStorage", "i2"},
                                                            {DType::kInt8, "CharStorage", "i1"},
                                                            {DType::kUInt8, "ByteStorage", "u1"},
                                                            {DType::kBool, "BoolStorage", "b1"}}};

inline const ElementType& element_type_from_dtype(DType dtype) {
  for (const ElementType& type : kElementTypes)
    if (type.dtype == dtype) return type;
  fail("element type {} is not in the table", static_cast<int>(dtype));
}

}  // namespace soco

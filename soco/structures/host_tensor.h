// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "soco/base/error.h"

namespace soco {

enum class DType { kFloat64, kFloat32, kFloat16, kBFloat16, kInt64, kInt32, kInt16, kInt8, kUInt8, kBool };

/// Bytes of one element.
std::size_t dtype_size(DType dtype);

/// "float32", "int64", ...
std::string_view dtype_name(DType dtype);

/// The dtype of a C++ type. Half types have none: as<std::uint16_t>() reads their bits.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, double>)
    return DType::kFloat64;
  else if constexpr (std::is_same_v<T, float>)
    return DType::kFloat32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::kInt64;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return DType::kInt32;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return DType::kInt16;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return DType::kInt8;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return DType::kUInt8;
  else {
    static_assert(std::is_same_v<T, bool>, "no dtype for this type");
    return DType::kBool;
  }
}

/// The number of elements of a shape; 1 for a scalar's empty shape. Error naming the shape when a dimension is negative
/// or the product does not fit.
std::int64_t num_elements(std::span<const std::int64_t> shape);

/// "[2, 3]".
std::string shape_text(std::span<const std::int64_t> shape);

/// A dense tensor in main memory: row-major, the machine's (little) byte order.
/// Invariant when made by `make` or `from`: data.size() == numel() * dtype_size(dtype).
struct HostTensor {
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;

  bool operator==(const HostTensor&) const = default;

  std::int64_t numel() const { return num_elements(shape); }

  /// Takes the bytes; Error when their number is not that of shape and dtype.
  static HostTensor make(DType dtype, std::vector<std::int64_t> shape, std::vector<std::byte> data);

  /// Copies the values; Error when their number is not that of the shape.
  template <class T>
  static HostTensor from(std::vector<std::int64_t> shape, std::span<const T> values) {
    std::vector<std::byte> data(values.size_bytes());
    if (!data.empty()) std::memcpy(data.data(), values.data(), data.size());
    return make(dtype_of<T>(), std::move(shape), std::move(data));
  }
  template <class T>
  static HostTensor from(std::vector<std::int64_t> shape, const std::vector<T>& values) {
    return from<T>(std::move(shape), std::span<const T>(values));
  }

  /// The values, without a copy; Error when T is not the dtype's type (std::uint16_t reads the bits of half types).
  template <class T>
  std::span<const T> as() const {
    check_readable_as(element_matches<T>());
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }

 private:
  template <class T>
  bool element_matches() const {
    if constexpr (std::is_same_v<T, std::uint16_t>)
      return dtype == DType::kFloat16 || dtype == DType::kBFloat16;
    else
      return dtype == dtype_of<T>();
  }
  void check_readable_as(bool type_matches) const;
};

/// Named tensors in the order they were added.
class StateDict {
 public:
  /// Error when the name is there already.
  void add(std::string name, HostTensor tensor);

  /// nullptr when there is none of that name. Valid until the next add().
  const HostTensor* find(std::string_view name) const;

  /// Error naming the tensor (and the nearest name) when there is none.
  const HostTensor& at(std::string_view name) const;

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const std::vector<std::pair<std::string, HostTensor>>& entries() const { return entries_; }

  /// Bytes of all tensors' data.
  std::uint64_t num_bytes() const;

  /// Same names, dtypes, shapes and bits in the same order.
  bool operator==(const StateDict& other) const { return entries_ == other.entries_; }

 private:
  std::vector<std::pair<std::string, HostTensor>> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/structures/host_tensor.h"

#include "soco/base/suggest.h"

namespace soco {

std::size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
    case DType::kInt64:
      return 8;
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kInt16:
      return 2;
    case DType::kInt8:
    case DType::kUInt8:
    case DType::kBool:
      return 1;
  }
  SOCO_ASSERT(!"unknown dtype");
  return 0;
}

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return "float64";
    case DType::kFloat32:
      return "float32";
    case DType::kFloat16:
      return "float16";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kInt64:
      return "int64";
    case DType::kInt32:
      return "int32";
    case DType::kInt16:
      return "int16";
    case DType::kInt8:
      return "int8";
    case DType::kUInt8:
      return "uint8";
    case DType::kBool:
      return "bool";
  }
  SOCO_ASSERT(!"unknown dtype");
  return {};
}

std::int64_t num_elements(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  bool overflow = false;
  bool zero = false;
  for (std::int64_t dimension : shape) {
    if (dimension < 0) fail("the tensor shape {} has a negative dimension", shape_text(shape));
    zero = zero || dimension == 0;
    overflow = __builtin_mul_overflow(count, dimension, &count) || overflow;
  }
  if (zero) return 0;
  if (overflow) fail("the tensor shape {} has more elements than 64 bits can count", shape_text(shape));
  return count;
}

std::string shape_text(std::span<const std::int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

HostTensor HostTensor::make(DType dtype, std::vector<std::int64_t> shape, std::vector<std::byte> data) {
  const auto count = static_cast<std::uint64_t>(num_elements(shape));
  // Divided, not multiplied: the product may not fit.
  const std::size_t size = dtype_size(dtype);
  if (data.size() % size != 0 || data.size() / size != count) {
    fail("a {} tensor of shape {} has {} elements of {} bytes, but {} bytes are given", dtype_name(dtype),
         shape_text(shape), count, size, data.size());
  }
  HostTensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.data = std::move(data);
  return tensor;
}

void HostTensor::check_readable_as(bool type_matches) const {
  if (!type_matches) fail("a tensor of type {} is read as another type", dtype_name(dtype));
  const auto count = static_cast<std::uint64_t>(num_elements(shape));
  const std::size_t size = dtype_size(dtype);
  SOCO_ASSERT(data.size() % size == 0 && data.size() / size == count);
}

void StateDict::add(std::string name, HostTensor tensor) {
  const auto [place, added] = index_.emplace(name, entries_.size());
  if (!added) fail("the tensor '{}' is there twice", name);
  entries_.emplace_back(std::move(name), std::move(tensor));
}

const HostTensor* StateDict::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

const HostTensor& StateDict::at(std::string_view name) const {
  if (const HostTensor* tensor = find(name)) return *tensor;
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.first);
  fail("there is no tensor '{}' among the {}{}", name, names.size(), did_you_mean(name, names));
}

std::uint64_t StateDict::num_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& entry : entries_) sum += entry.second.data.size();
  return sum;
}

}  // namespace soco

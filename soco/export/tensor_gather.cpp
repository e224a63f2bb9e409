// SPDX-License-Identifier: MIT
#include "soco/export/tensor_gather.h"

#include <cstring>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/log.h"

namespace soco::pickle {
namespace {

// Tied weights appear under several names, so the tensors may exceed the file, within reason.
constexpr std::uint64_t kMaxExpansion = 4;
constexpr std::uint64_t kExpansionFree = 1ull << 20;

bool is_row_major(const TensorSpec& spec) {
  std::int64_t step = 1;
  for (std::size_t i = spec.sizes.size(); i > 0; --i) {
    if (spec.sizes[i - 1] != 1 && spec.strides[i - 1] != step) return false;
    step *= spec.sizes[i - 1];
  }
  return true;
}

/// Copies elements in row-major order of the result, wherever the strides find them.
void gather(const TensorSpec& spec, std::span<const std::byte> storage, std::vector<std::byte>& to) {
  const std::size_t item = dtype_size(spec.dtype);
  std::vector<std::int64_t> index(spec.sizes.size(), 0);
  std::uint64_t from = spec.offset;
  for (std::size_t position = 0; position < to.size(); position += item) {
    std::memcpy(to.data() + position, storage.data() + from * item, item);
    for (std::size_t axis = index.size(); axis > 0; --axis) {
      const auto stride = static_cast<std::uint64_t>(spec.strides[axis - 1]);
      from += stride;
      if (++index[axis - 1] < spec.sizes[axis - 1]) break;
      from -= stride * static_cast<std::uint64_t>(spec.sizes[axis - 1]);
      index[axis - 1] = 0;
    }
  }
}

}  // namespace

TensorReader::TensorReader(StorageSource& source, const std::string& name, std::uint64_t file_bytes)
    : source_(source), name_(name), bytes_left_(kMaxExpansion * file_bytes + kExpansionFree) {}

void TensorReader::check(const TensorSpec& spec) {
  std::uint64_t numel = 1;
  std::uint64_t last = spec.offset;
  bool overflow = false;
  for (const std::int64_t size : spec.sizes)
    overflow |= __builtin_mul_overflow(numel, static_cast<std::uint64_t>(size), &numel);
  for (std::size_t i = 0; i < spec.sizes.size() && numel != 0; ++i) {
    std::uint64_t span = 0;
    overflow |= __builtin_mul_overflow(static_cast<std::uint64_t>(spec.sizes[i] - 1),
                                       static_cast<std::uint64_t>(spec.strides[i]), &span);
    overflow |= __builtin_add_overflow(last, span, &last);
  }
  if (overflow || (numel != 0 && last >= spec.storage_numel))
    fail("{}: refused: a tensor of shape {} reaches outside its storage of {} elements", name_, shape_text(spec.sizes),
         spec.storage_numel);
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(numel, std::uint64_t{dtype_size(spec.dtype)}, &bytes) || bytes > bytes_left_)
    fail("{}: refused: its tensors are more than {} times larger than the file", name_, kMaxExpansion);
  bytes_left_ -= bytes;
  if (spec.is_inline) return;
  const std::uint64_t size = source_.size(spec.storage_key), item = dtype_size(spec.dtype);
  if (size % item != 0 || size / item != spec.storage_numel)
    fail("{}: storage '{}' has another size than it says", name_, printable(spec.storage_key));
}

std::span<const std::byte> TensorReader::storage_bytes(const TensorSpec& spec) {
  if (spec.is_inline) return bytes_of(spec.inline_data);
  const auto [known, added] = storages_.try_emplace(spec.storage_key);
  if (added) {
    known->second.resize(source_.size(spec.storage_key));
    source_.read(spec.storage_key, known->second);
  }
  return known->second;
}

HostTensor TensorReader::read(const TensorSpec& spec) {
  const std::size_t item = dtype_size(spec.dtype);
  const auto numel = static_cast<std::uint64_t>(num_elements(spec.sizes));
  HostTensor tensor{spec.dtype, spec.sizes, std::vector<std::byte>(numel * item)};
  if (numel == 0) return tensor;
  if (!is_row_major(spec)) {
    gather(spec, storage_bytes(spec), tensor.data);
  } else if (!spec.is_inline && spec.offset == 0 && numel == spec.storage_numel) {
    source_.read(spec.storage_key, tensor.data);
  } else {
    std::memcpy(tensor.data.data(), storage_bytes(spec).data() + spec.offset * item, tensor.data.size());
  }
  return tensor;
}

}  // namespace soco::pickle

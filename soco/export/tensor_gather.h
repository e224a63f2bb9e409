// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "soco/export/unpickler.h"

namespace soco::pickle {

/// Where the elements of storages are.
class StorageSource {
 public:
  virtual ~StorageSource() = default;
  virtual std::uint64_t size(const std::string& key) = 0;                  // bytes
  virtual void read(const std::string& key, std::span<std::byte> to) = 0;  // all of it
};

/// Makes contiguous tensors from (storage, offset, sizes, strides). Nothing is allocated before the elements are known
/// to lie in the storage, and all tensors together may not be much larger than the file they come from.
class TensorReader {
 public:
  /// `name`: the file, for errors; `file_bytes`: its size.
  TensorReader(StorageSource& source, const std::string& name, std::uint64_t file_bytes);

  /// To be called once for each tensor before any is read. Errors: elements outside the storage, a storage of another
  /// size than it says, sizes beyond 64 bits or beyond the limit.
  void check(const TensorSpec& spec);

  /// A tensor that was checked. Errors: damage to its storage.
  HostTensor read(const TensorSpec& spec);

 private:
  std::span<const std::byte> storage_bytes(const TensorSpec& spec);

  StorageSource& source_;
  std::string name_;
  std::uint64_t bytes_left_;
  std::unordered_map<std::string, std::vector<std::byte>> storages_;  // those of which tensors use a part
};

}  // namespace soco::pickle

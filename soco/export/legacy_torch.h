// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "soco/export/tensor_gather.h"
#include "soco/export/unpickler.h"

namespace soco::pickle {

/// True for files of torch.save before 1.6: a row of pickles, the first of which is a magic number.
bool is_legacy_torch(std::string_view bytes);

/// Such a file, wholly in memory: magic number, version, properties of the machine, the object, the keys of the
/// storages, then for each storage its number of elements (64 bits) and its elements.
class LegacyTorchFile : public StorageSource {
 public:
  /// Errors: another version or byte order, whatever Unpickler refuses, storages that do not fit the file.
  LegacyTorchFile(std::string_view bytes, const std::string& name, const PickleLimits& limits);

  const Object* object() const { return object_; }
  std::uint64_t size(const std::string& key) override;
  void read(const std::string& key, std::span<std::byte> to) override;

 private:
  Object* next_pickle(const PickleLimits& limits);
  void check_properties(const Object* properties) const;
  void find_storages(const Object* keys, const Unpickler& named);

  std::string_view rest_;
  std::string name_;
  std::list<Unpickler> unpicklers_;  // own the objects
  const Object* object_ = nullptr;
  std::unordered_map<std::string, std::string_view> storages_;
};

}  // namespace soco::pickle

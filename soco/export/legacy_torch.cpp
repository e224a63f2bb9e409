// SPDX-License-Identifier: MIT
#include "soco/export/legacy_torch.h"

#include <cstring>

#include "soco/base/error.h"
#include "soco/base/log.h"

namespace soco::pickle {
namespace {

using std::string_view_literals::operator""sv;

// The pickle of 0x1950a86a20f9469cfc6c, then that of version 1001 (torch/serialization.py: MAGIC_NUMBER,
// PROTOCOL_VERSION).
constexpr std::string_view kMagic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv;
constexpr std::int64_t kVersion = 1001;

}  // namespace

bool is_legacy_torch(std::string_view bytes) { return bytes.starts_with(kMagic); }

LegacyTorchFile::LegacyTorchFile(std::string_view bytes, const std::string& name, const PickleLimits& limits)
    : rest_(bytes.substr(kMagic.size())), name_(name) {
  const Object* version = next_pickle(limits);
  if (version->kind != Kind::kInt || version->integer != kVersion) fail("{}: unknown version of torch.save", name_);
  check_properties(next_pickle(limits));
  object_ = next_pickle(limits);
  const Unpickler& named = unpicklers_.back();
  find_storages(next_pickle(limits), named);
}

Object* LegacyTorchFile::next_pickle(const PickleLimits& limits) {
  Unpickler& unpickler = unpicklers_.emplace_back(rest_, name_, limits);
  Object* object = unpickler.run();
  rest_ = rest_.substr(unpickler.position());
  return object;
}

void LegacyTorchFile::check_properties(const Object* properties) const {
  if (properties->kind != Kind::kDict) fail("{}: properties of the machine are missing", name_);
  for (std::size_t i = 0; i < properties->items.size(); i += 2) {
    const bool order = properties->items[i]->text == "little_endian";
    if (order && properties->items[i + 1]->integer != 1) fail("{}: refused: written in the other byte order", name_);
  }
}

void LegacyTorchFile::find_storages(const Object* keys, const Unpickler& named) {
  if (keys->kind != Kind::kList) fail("{}: list of storages is missing", name_);
  for (const Object* key : keys->items) {
    const std::string text(key->text);
    const auto found = named.storages().find(text);
    if (key->kind != Kind::kString || found == named.storages().end())
      fail("{}: storage '{}' belongs to no tensor", name_, printable(text));
    const TensorSpec& spec = *found->second->tensor;
    std::uint64_t numel = 0;
    if (rest_.size() < sizeof(numel)) fail("{}: truncated before storage '{}'", name_, printable(text));
    std::memcpy(&numel, rest_.data(), sizeof(numel));
    rest_.remove_prefix(sizeof(numel));
    if (numel != spec.storage_numel || numel > rest_.size() / dtype_size(spec.dtype))
      fail("{}: storage '{}' has another size than it says, or the file is truncated", name_, printable(text));
    if (!storages_.emplace(text, rest_.substr(0, numel * dtype_size(spec.dtype))).second)
      fail("{}: storage '{}' occurs twice", name_, printable(text));
    rest_.remove_prefix(numel * dtype_size(spec.dtype));
  }
  if (!rest_.empty()) fail("{}: {} bytes behind the last storage", name_, rest_.size());
}

std::uint64_t LegacyTorchFile::size(const std::string& key) {
  const auto found = storages_.find(key);
  if (found == storages_.end()) fail("{}: storage '{}' is missing", name_, printable(key));
  return found->second.size();
}

void LegacyTorchFile::read(const std::string& key, std::span<std::byte> to) {
  SOCO_ASSERT(to.size() == size(key));
  std::memcpy(to.data(), storages_.at(key).data(), to.size());
}

}  // namespace soco::pickle

// SPDX-License-Identifier: MIT
#include "soco/proposals/key_index.h"

#include <utility>

namespace soco {
namespace {

constexpr std::size_t kSeveral = static_cast<std::size_t>(-1);

std::string_view last_component(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

KeyIndex::KeyIndex(std::vector<std::string> keys) : keys_(std::move(keys)) {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    by_key_.emplace(keys_[i], i);
    const auto [place, added] = by_last_component_.emplace(last_component(keys_[i]), i);
    if (!added) place->second = kSeveral;
  }
}

std::optional<std::size_t> KeyIndex::find(std::string_view name) const {
  if (const auto exact = by_key_.find(name); exact != by_key_.end()) return exact->second;
  const auto place = by_last_component_.find(last_component(name));
  if (place == by_last_component_.end() || place->second == kSeveral) return std::nullopt;
  return place->second;
}

}  // namespace soco

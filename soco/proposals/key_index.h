// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace soco {

/// Finds an image among keys ("val/a.jpg") by the name another file has for it ("a.jpg", "images/val/a.jpg"): the key
/// that is equal, else the only one with the same last component.
class KeyIndex {
 public:
  explicit KeyIndex(std::vector<std::string> keys);

  /// The index of the key in the list given; nothing when there is none, or several by the last component.
  std::optional<std::size_t> find(std::string_view name) const;
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  std::vector<std::string> keys_;
  std::unordered_map<std::string_view, std::size_t> by_key_, by_last_component_;  // views into keys_
};

}  // namespace soco

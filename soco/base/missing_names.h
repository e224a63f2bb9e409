// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace soco {

/// Names of one list that another one lacks: all are counted, the first ten are kept for a message.
class MissingNames {
 public:
  void add(std::string_view name);
  std::int64_t count() const { return count_; }
  /// "12 (a.jpg, b.jpg, ... and 2 more)"; "0" when there are none.
  std::string text() const;
  /// Error "<file>: N of TOTAL <what> ..." when more than half of `total` are missing, since then the two lists do not
  /// belong together. `what`: "images of gt.json have no row in the store".
  void check_minority(std::int64_t total, std::string_view file, std::string_view what) const;

 private:
  std::int64_t count_ = 0;
  std::vector<std::string> first_;
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "soco/proposals/sqlite.h"
#include "soco/structures/annotation.h"

namespace soco {

/// Brings any number of boxes together by image, on disk: SQLite sorts them with bounded memory.
class ResultSorter {
 public:
  /// Works in a temporary file in `folder`, which it removes.
  explicit ResultSorter(const std::filesystem::path& folder);
  ~ResultSorter();
  ResultSorter(const ResultSorter&) = delete;
  ResultSorter& operator=(const ResultSorter&) = delete;

  void add(std::int64_t image, double score, const CocoBox& box);

  /// Calls `visit` for each image that has boxes, in ascending order, with its boxes by falling score, equal ones in
  /// the order in which they were added. Once.
  void for_each_image(const std::function<void(std::int64_t image, const std::vector<CocoBox>&)>& visit);

 private:
  std::filesystem::path path_;
  SqliteDatabase database_;
  SqliteStatement insert_;
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "soco/proposals/store.h"

namespace soco {

/// A store that is made at once: written under a temporary name in the same folder and put in its place by commit().
/// Without that nothing stays. Memory: one batch of rows.
class NewStore {
 public:
  /// Error when `path` exists.
  NewStore(std::filesystem::path path, const std::string& options);
  ~NewStore();
  NewStore(const NewStore&) = delete;
  NewStore& operator=(const NewStore&) = delete;

  /// Adds a row; the caller sees to it that no key comes twice. Errors as ProposalStore::put, and Error(kInterrupted)
  /// when stop_requested().
  void add(ProposalRecord record);
  void commit();

  std::int64_t num_rows() const { return num_rows_; }
  std::int64_t num_boxes() const { return num_boxes_; }
  std::int64_t num_bad() const { return num_bad_; }

 private:
  void flush();

  std::filesystem::path path_, temporary_path_;
  std::optional<ProposalStore> store_;
  std::vector<ProposalRecord> batch_;
  std::int64_t num_rows_ = 0, num_boxes_ = 0, num_bad_ = 0;
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "data/plans.h"
#include "soco/base/atomic_file.h"
#include "soco/base/log.h"
#include "soco/data/pretrain_dataset.h"
#include "soco/image/codec.h"
#include "soco/image/image_source.h"
#include "soco/proposals/store.h"
#include "testing/temp_dir.h"

namespace soco::testing {

/// Keeps the messages.
class RecordingLogger : public Logger {
 public:
  void write(LogLevel, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    messages_.emplace_back(message);
  }
  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> messages_;
};

/// A folder of small images of different sizes with a proposal store: image i is "<i>.png" below "images/".
class TinyDataset {
 public:
  explicit TinyDataset(int num_images, int side = 48) {
    std::filesystem::create_directories(dir_ / "images");
    std::vector<ProposalRecord> records;
    for (int i = 0; i < num_images; ++i) {
      const int height = side + i % 7, width = side + 2 * (i % 5);
      const std::string key = std::to_string(1000 + i) + ".png";
      write_image(image_path(i), test_image(height, width, i));
      records.push_back({.key = key, .proposals = test_proposals(height, width, 6, i), .fingerprint = {}, .error = {}});
    }
    ProposalStore::create_or_open(store_path(), "tiny").put(records);
  }

  std::filesystem::path image_path(int i) const { return dir_ / "images" / (std::to_string(1000 + i) + ".png"); }
  std::filesystem::path store_path() const { return dir_ / "proposals.db"; }
  ImageList entries() const { return list_images(dir_ / "images"); }

  /// Makes image i unreadable.
  void break_image(int i) const { write_file_atomic(image_path(i), "this is no image"); }

 private:
  TempDir dir_;
};

}  // namespace soco::testing

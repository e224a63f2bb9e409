// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <optional>
#include <thread>

#include "soco/config/options.h"
#include "soco/data/sampler.h"

namespace soco {

/// What every loader of batches has to be told (see BatchPipeline).
struct BatchingOptions {
  std::optional<int> num_workers;  ///< "auto": one per hardware thread, at most kMaxAutoWorkers
  int prefetch = 2;
  LastBatch last_batch = LastBatch::kDrop;

  static constexpr int kMaxAutoWorkers = 32;

  template <class V>
  void visit(V& v) {
    v.field("num_workers", num_workers,
            "threads that decode and augment; 0: in the calling thread; auto: one per hardware thread",
            Range<int>{0, 1024});
    v.field("prefetch", prefetch, "batches prepared ahead of the one in use", Range<int>{1, 64});
    v.field("last_batch", last_batch,
            "images that do not fill a last batch: drop; pad: fill it up with those the epoch began with",
            kLastBatchNames);
  }

  /// num_workers, with "auto" resolved for this machine.
  int resolved_num_workers() const {
    if (num_workers) return *num_workers;
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxAutoWorkers);
  }
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "soco/data/batch_pipeline.h"
#include "soco/data/detection_dataset.h"
#include "soco/data/detection_options.h"
#include "soco/data/detection_sampler.h"
#include "soco/data/throughput.h"
#include "soco/structures/detection_batch.h"
#include "soco/structures/host_buffer.h"

namespace soco {

/// All that a detection loader is told beside its data set.
struct DetectionLoaderPlan {
  DetectionUse use = DetectionUse::kTrain;  ///< kTest: images in the list's order, each once, not augmented
  DetectionInputOptions input = {};
  DetectionLoaderOptions loader = {};  ///< kTest: the last batch is always filled up; see DetectionTarget::is_repeat
  bool aspect_grouping = true;         ///< kTrain
  double repeat_threshold = 0;         ///< kTrain
  std::uint64_t seed = 0;
  int batch_size = 16;  ///< of all processes together
  LoaderRank rank = {};
  HostAllocator allocator = allocate_plain;  ///< gives the memory for pixels
};

/// A detector's batches in an order fixed by (seed, epoch, place in the epoch), for any number of workers and
/// processes; see DataLoader, whose machinery it shares. One caller at a time.
class DetectionLoader {
 public:
  /// `dataset` must outlive the loader. Usage Error for options that do not go together, as for DataLoader.
  DetectionLoader(const DetectionDataset& dataset, DetectionLoaderPlan plan);
  ~DetectionLoader();  ///< Stops the workers after the sample each is at, and joins them.
  DetectionLoader(const DetectionLoader&) = delete;
  DetectionLoader& operator=(const DetectionLoader&) = delete;

  static constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

  /// Starts (again) at a place, without decoding what comes before it; next() then goes on through the following
  /// epochs, up to but without `end_epoch`.
  void start(BatchPosition position, std::int64_t end_epoch = kNoEnd);

  /// The next batch; empty after the last one, or when start() was not called. A worker's error is thrown here, in the
  /// place of the batch it broke, and by every call after it until start().
  std::optional<DetectionBatch> next();

  /// Gives a used batch's memory back for a coming one.
  void recycle(DetectionBatch batch);

  StageSeconds stages() const;  ///< see DataLoader
  const DetectionSampler& sampler() const;
  std::int64_t num_bad_images() const;  ///< distinct ones so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "soco/config/options.h"
#include "soco/data/batch_pipeline.h"
#include "soco/data/batching_options.h"
#include "soco/data/collate.h"
#include "soco/data/pretrain_dataset.h"
#include "soco/data/sampler.h"
#include "soco/data/throughput.h"
#include "soco/data/view_plan.h"
#include "soco/structures/pretrain_batch.h"

namespace soco {

inline constexpr std::array<EnumName<Quality>, 2> kQualityNames{{{Quality::kExact, "exact"}, {Quality::kFast, "fast"}}};
inline constexpr std::array<EnumName<ElementType>, 2> kElementTypeNames{
    {{ElementType::kFloat32, "float32"}, {ElementType::kBfloat16, "bfloat16"}}};
/// Who flips views, changes their colours and normalises them: the loader's workers, or the device that trains.
enum class FinishPlace { kWorkers, kDevice };
inline constexpr std::array<EnumName<FinishPlace>, 2> kFinishPlaceNames{
    {{FinishPlace::kWorkers, "workers"}, {FinishPlace::kDevice, "device"}}};
inline constexpr std::array<EnumName<PixelLayout>, 2> kPixelLayoutNames{
    {{PixelLayout::kChw, "nchw"}, {PixelLayout::kHwc, "channels_last"}}};

struct LoaderOptions : BatchingOptions {
  SampleOrder order = SampleOrder::kShuffled;
  int shuffle_buffer = 10'000;
  Quality quality = Quality::kExact;
  FinishPlace finish = FinishPlace::kWorkers;
  ElementType pixels = ElementType::kFloat32;
  PixelLayout layout = PixelLayout::kChw;

  template <class V>
  void visit(V& v) {
    BatchingOptions::visit(v);
    v.field("order", order,
            "shuffled: any image next; buffered: nearly as archives hold them, for disks with slow seeks",
            kSampleOrderNames);
    v.field("quality", quality,
            "exact: Pillow's pixels; fast: JPEGs at a half or less where the views allow, softer then; rounds less",
            kQualityNames);
    v.field("finish", finish,
            "who flips, colours and normalises views: workers, or the device (for a GPU that waits for its data; the "
            "same pixels, quality=exact alone)",
            kFinishPlaceNames);
    v.field("pixels", pixels, "elements of the batch; bfloat16 needs train.precision=bf16", kElementTypeNames);
    v.field("layout", layout, "nchw, or channels_last, which tensor cores like best", kPixelLayoutNames);
    v.field("shuffle_buffer", shuffle_buffer, "images that order=buffered mixes", Range<int>{1, 100'000'000});
  }
};

/// The form of the batches that `options` ask for.
BatchFormat batch_format(const LoaderOptions& options, HostAllocator allocator = allocate_plain);

/// Batches in an order fixed by (seed, epoch, index), for any number of workers and processes. Worker threads fill a
/// bounded ring of batches ahead of the caller, sample by sample, across epoch boundaries. One caller at a time.
class DataLoader {
 public:
  /// `dataset` must outlive the loader. `batch_size`: of all processes together. Usage Error when the dataset is
  /// smaller than a batch, or when the processes cannot share a batch evenly. `allocator` gives the memory for pixels.
  DataLoader(const PretrainDataset& dataset, ViewPlan plan, LoaderOptions options, std::uint64_t seed, int batch_size,
             LoaderRank rank = {}, HostAllocator allocator = allocate_plain);
  ~DataLoader();  ///< Stops the workers after the sample each is at, and joins them.
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  static constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

  /// Starts (again) at batch `first_batch` of `epoch`, without decoding what comes before it; next() then goes on
  /// through the following epochs, up to but without `end_epoch`. 0 <= first_batch <= batches_per_epoch().
  void start(std::int64_t epoch, std::int64_t first_batch, std::int64_t end_epoch = kNoEnd);

  /// The next batch; empty after the last one of epoch end_epoch - 1, or when start() was not called. A worker's error
  /// is thrown here, in the place of the batch it broke, and by every call after it until start().
  std::optional<PretrainBatch> next();

  /// Gives a used batch's memory back for a coming one. Not needed, but spares page faults.
  void recycle(PretrainBatch batch);

  /// Since the loader was made: what the workers spent decoding and augmenting, all together, and what next() has
  /// waited for them. The rest is 0.
  StageSeconds stages() const;
  /// The wait of stages().
  double wait_seconds() const { return stages().wait; }
  std::int64_t batches_per_epoch() const;
  int batch_size() const;  ///< of all processes together
  /// Distinct images that could not be used so far; see PretrainDataset.
  std::int64_t num_bad_images() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace soco

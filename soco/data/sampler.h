// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/config/options.h"

namespace soco {

/// What becomes of images that do not fill a last batch: dropped, others in each epoch; or the batch is filled up with
/// the images the epoch began with.
enum class LastBatch { kDrop, kPad };
inline constexpr std::array<EnumName<LastBatch>, 2> kLastBatchNames{
    {{LastBatch::kDrop, "drop"}, {LastBatch::kPad, "pad"}}};

/// In what order images come: any one next, which reads the medium at random; or nearly as they lie in the archives,
/// mixed within a buffer, which a medium with slow seeks needs.
enum class SampleOrder { kShuffled, kBuffered };
inline constexpr std::array<EnumName<SampleOrder>, 2> kSampleOrderNames{
    {{SampleOrder::kShuffled, "shuffled"}, {SampleOrder::kBuffered, "buffered"}}};

struct SamplerOptions {
  LastBatch last_batch = LastBatch::kDrop;
  SampleOrder order = SampleOrder::kShuffled;
  int shuffle_buffer = 10'000;  ///< images the buffered order mixes
};

/// The order of the images: a permutation for each epoch that is a function of (seed, epoch) alone, cut into batches.
class EpochSampler {
 public:
  /// `storage_order`: the images as they lie on the medium, for SampleOrder::kBuffered; else empty.
  /// Usage Error, naming both numbers, when there are fewer images than one batch takes and it is not filled up.
  EpochSampler(std::int64_t num_images, int batch_size, std::uint64_t seed, SamplerOptions options = {},
               std::vector<std::int64_t> storage_order = {});

  std::int64_t batches_per_epoch() const;
  int batch_size() const { return batch_size_; }
  const SamplerOptions& options() const { return options_; }

  /// Indices of the epoch in order; batches_per_epoch() * batch_size() of them.
  std::vector<std::int64_t> epoch_order(std::int64_t epoch) const;

  /// kBuffered: the order in which images enter the buffer, runs of kRunLength images as they lie, the runs shuffled.
  /// Image number i of it is number i - shuffle_buffer + 1 of epoch_order() at the earliest.
  std::vector<std::int64_t> arrival_order(std::int64_t epoch) const;

  static constexpr std::int64_t kRunLength = 1024;  // at 100 kB an image: 100 MB without a seek

 private:
  std::vector<std::int64_t> shuffled_order(std::int64_t epoch) const;
  std::vector<std::int64_t> buffered_order(std::int64_t epoch) const;

  std::int64_t num_images_;
  int batch_size_;
  std::uint64_t seed_;
  SamplerOptions options_;
  std::vector<std::int64_t> storage_order_;
};

}  // namespace soco

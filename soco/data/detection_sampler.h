// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/data/sampler.h"

namespace soco {

/// A place in the row of batches that training goes through.
struct BatchPosition {
  std::int64_t epoch = 0, batch = 0;
  bool operator==(const BatchPosition&) const = default;
};

struct DetectionSamplerOptions {
  LastBatch last_batch = LastBatch::kDrop;
  enum class Order { kShuffled, kAsListed } order = Order::kShuffled;
};

/// The order of images for a detector: in each epoch a function of (seed, epoch) alone, cut into batches. Images with a
/// repeat factor above 1 come floor(factor) times, and once more with the probability of the rest, drawn for each
/// epoch. Images come in a shuffled order and are collected by group; a group gives a batch when it is full
/// (Detectron2's AspectRatioGroupedDataset). What is left at the end of the epoch makes mixed batches, so no more is
/// dropped than without groups.
class DetectionSampler {
 public:
  /// `groups`: of each image, say 1 for wide ones; empty: none. `repeat_factors`: of each image, at least 1; empty: all
  /// 1. Both as long as `num_images` otherwise (asserted). Usage Error when there are fewer images than one batch takes
  /// and it is not filled up.
  DetectionSampler(std::int64_t num_images, int batch_size, std::uint64_t seed, DetectionSamplerOptions options = {},
                   std::vector<std::uint8_t> groups = {}, std::vector<double> repeat_factors = {});

  int batch_size() const { return batch_size_; }
  /// The same for all epochs unless there are repeats.
  std::int64_t batches_per_epoch(std::int64_t epoch) const;
  /// Samples of the epoch before the last batch is dropped or filled up.
  std::int64_t samples_per_epoch(std::int64_t epoch) const;

  /// Indices of the epoch in order; batches_per_epoch(epoch) * batch_size() of them.
  std::vector<std::int64_t> epoch_order(std::int64_t epoch) const;

  /// Where training is after `num_batches` batches from the beginning of epoch 0 on.
  BatchPosition position_after(std::int64_t num_batches) const;

 private:
  std::vector<std::int64_t> drawn_indices(std::int64_t epoch) const;
  std::vector<std::int64_t> grouped(const std::vector<std::int64_t>& order) const;
  std::int64_t batches_of(std::int64_t num_samples) const;

  std::int64_t num_images_;
  int batch_size_;
  std::uint64_t seed_;
  DetectionSamplerOptions options_;
  std::vector<std::uint8_t> groups_;
  std::vector<double> repeat_factors_;
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

namespace soco {

/// The order of the images: each epoch is a permutation that is a function of (seed, epoch) alone; the images that do
/// not fill a last batch are dropped, others in each epoch.
class EpochSampler {
 public:
  /// Usage Error, naming both numbers, when there are fewer images than one batch takes.
  EpochSampler(std::int64_t num_images, int batch_size, std::uint64_t seed);

  std::int64_t batches_per_epoch() const { return num_images_ / batch_size_; }
  int batch_size() const { return batch_size_; }

  /// Indices of the epoch in order; batches_per_epoch() * batch_size() of them.
  std::vector<std::int64_t> epoch_order(std::int64_t epoch) const;

 private:
  std::int64_t num_images_;
  int batch_size_;
  std::uint64_t seed_;
};

}  // namespace soco

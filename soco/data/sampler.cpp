// SPDX-License-Identifier: MIT
#include "soco/data/sampler.h"

#include <numeric>

#include "soco/base/error.h"
#include "soco/base/random.h"

namespace soco {

EpochSampler::EpochSampler(std::int64_t num_images, int batch_size, std::uint64_t seed)
    : num_images_(num_images), batch_size_(batch_size), seed_(seed) {
  if (batch_size < 1) fail_usage("batch_size = {}; expected 1 or more", batch_size);
  if (num_images < batch_size) {
    fail_usage("there are {} images, fewer than one batch of {}; set batch_size to {} or less, or give more images",
               num_images, batch_size, std::max<std::int64_t>(num_images, 1));
  }
}

std::vector<std::int64_t> EpochSampler::epoch_order(std::int64_t epoch) const {
  std::vector<std::int64_t> order(static_cast<std::size_t>(num_images_));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Rng rng(seed_, static_cast<std::uint64_t>(epoch), 0, purpose::kSamplerOrder);
  rng.shuffle(order);
  order.resize(static_cast<std::size_t>(batches_per_epoch() * batch_size_));
  return order;
}

}  // namespace soco

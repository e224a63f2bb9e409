// SPDX-License-Identifier: MIT
#include "soco/data/sampler.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/random.h"

namespace soco {
namespace {

// Streams of purpose::kSamplerOrder.
constexpr std::uint64_t kShuffleStream = 0, kRunStream = 1, kBufferStream = 2;

}  // namespace

EpochSampler::EpochSampler(std::int64_t num_images, int batch_size, std::uint64_t seed, SamplerOptions options,
                           std::vector<std::int64_t> storage_order)
    : num_images_(num_images),
      batch_size_(batch_size),
      seed_(seed),
      options_(options),
      storage_order_(std::move(storage_order)) {
  if (batch_size < 1) fail_usage("batch_size = {}; expected 1 or more", batch_size);
  if (options.shuffle_buffer < 1) fail_usage("shuffle_buffer = {}; expected 1 or more", options.shuffle_buffer);
  SOCO_ASSERT(static_cast<std::int64_t>(storage_order_.size()) ==
              (options.order == SampleOrder::kBuffered ? num_images : 0));
  const std::int64_t least = options.last_batch == LastBatch::kDrop ? batch_size : 1;
  if (num_images < least) {
    fail_usage("there are {} images, fewer than one batch of {}; set batch_size to {} or less, or give more images",
               num_images, batch_size, std::max<std::int64_t>(num_images, 1));
  }
}

std::int64_t EpochSampler::batches_per_epoch() const {
  const std::int64_t extra = options_.last_batch == LastBatch::kPad ? batch_size_ - 1 : 0;
  return (num_images_ + extra) / batch_size_;
}

std::vector<std::int64_t> EpochSampler::epoch_order(std::int64_t epoch) const {
  std::vector<std::int64_t> order =
      options_.order == SampleOrder::kShuffled ? shuffled_order(epoch) : buffered_order(epoch);
  const auto size = static_cast<std::size_t>(batches_per_epoch() * batch_size_);
  order.reserve(size);
  for (std::size_t i = 0; order.size() < size; ++i) order.push_back(order[i]);
  order.resize(size);
  return order;
}

std::vector<std::int64_t> EpochSampler::shuffled_order(std::int64_t epoch) const {
  std::vector<std::int64_t> order(static_cast<std::size_t>(num_images_));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Rng rng(seed_, static_cast<std::uint64_t>(epoch), kShuffleStream, purpose::kSamplerOrder);
  rng.shuffle(order);
  return order;
}

std::vector<std::int64_t> EpochSampler::arrival_order(std::int64_t epoch) const {
  std::vector<std::int64_t> runs(static_cast<std::size_t>((num_images_ + kRunLength - 1) / kRunLength));
  std::iota(runs.begin(), runs.end(), std::int64_t{0});
  Rng rng(seed_, static_cast<std::uint64_t>(epoch), kRunStream, purpose::kSamplerOrder);
  rng.shuffle(runs);
  std::vector<std::int64_t> order;
  order.reserve(static_cast<std::size_t>(num_images_));
  for (const std::int64_t run : runs) {
    const auto first = storage_order_.begin() + run * kRunLength;
    order.insert(order.end(), first, first + std::min(kRunLength, num_images_ - run * kRunLength));
  }
  return order;
}

std::vector<std::int64_t> EpochSampler::buffered_order(std::int64_t epoch) const {
  const std::vector<std::int64_t> arrivals = arrival_order(epoch);
  Rng rng(seed_, static_cast<std::uint64_t>(epoch), kBufferStream, purpose::kSamplerOrder);
  const auto capacity = std::min<std::size_t>(arrivals.size(), static_cast<std::size_t>(options_.shuffle_buffer));
  std::vector<std::int64_t> buffer(arrivals.begin(), arrivals.begin() + static_cast<std::ptrdiff_t>(capacity));
  std::vector<std::int64_t> order;
  order.reserve(arrivals.size());
  for (std::size_t next = capacity; !buffer.empty(); ++next) {
    std::int64_t& place = buffer[static_cast<std::size_t>(rng.uniform_int(buffer.size()))];
    order.push_back(place);
    if (next < arrivals.size()) {
      place = arrivals[next];
    } else {
      place = buffer.back();
      buffer.pop_back();
    }
  }
  return order;
}

}  // namespace soco

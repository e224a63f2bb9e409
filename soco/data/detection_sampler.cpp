// SPDX-License-Identifier: MIT
#include "soco/data/detection_sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/random.h"

namespace soco {
namespace {

// Streams of purpose::kSamplerOrder; sampler.cpp has 0 to 2.
constexpr std::uint64_t kOrderStream = 3, kRepeatStream = 4;

}  // namespace

DetectionSampler::DetectionSampler(std::int64_t num_images, int batch_size, std::uint64_t seed,
                                   DetectionSamplerOptions options, std::vector<std::uint8_t> groups,
                                   std::vector<double> repeat_factors)
    : num_images_(num_images),
      batch_size_(batch_size),
      seed_(seed),
      options_(options),
      groups_(std::move(groups)),
      repeat_factors_(std::move(repeat_factors)) {
  const auto count = static_cast<std::size_t>(num_images);
  SOCO_ASSERT(groups_.empty() || groups_.size() == count);
  SOCO_ASSERT(repeat_factors_.empty() || repeat_factors_.size() == count);
  SOCO_ASSERT(std::ranges::all_of(repeat_factors_, [](double factor) { return factor >= 1 && factor < 1e9; }));
  if (std::ranges::all_of(repeat_factors_, [](double factor) { return factor == 1; })) repeat_factors_.clear();
  if (batch_size < 1) fail_usage("batch_size = {}; expected 1 or more", batch_size);
  const std::int64_t least = options.last_batch == LastBatch::kDrop ? batch_size : 1;
  if (num_images < least) {
    fail_usage(
        "there are {} images, fewer than one batch of {}; set batch_size to {} or less, last_batch=pad, or give more "
        "images",
        num_images, batch_size, std::max<std::int64_t>(num_images, 1));
  }
}

std::int64_t DetectionSampler::batches_of(std::int64_t num_samples) const {
  const std::int64_t extra = options_.last_batch == LastBatch::kPad ? batch_size_ - 1 : 0;
  return (num_samples + extra) / batch_size_;
}

std::int64_t DetectionSampler::samples_per_epoch(std::int64_t epoch) const {
  return repeat_factors_.empty() ? num_images_ : static_cast<std::int64_t>(drawn_indices(epoch).size());
}

std::int64_t DetectionSampler::batches_per_epoch(std::int64_t epoch) const {
  return batches_of(samples_per_epoch(epoch));
}

std::vector<std::int64_t> DetectionSampler::drawn_indices(std::int64_t epoch) const {
  std::vector<std::int64_t> indices;
  Rng rng(seed_, static_cast<std::uint64_t>(epoch), kRepeatStream, purpose::kSamplerOrder);
  for (std::int64_t i = 0; i < num_images_; ++i) {
    const double factor = repeat_factors_.empty() ? 1 : repeat_factors_[static_cast<std::size_t>(i)];
    const double whole = std::floor(factor);
    const int more = !repeat_factors_.empty() && rng.bernoulli(factor - whole) ? 1 : 0;
    indices.insert(indices.end(), static_cast<std::size_t>(whole) + static_cast<std::size_t>(more), i);
  }
  return indices;
}

std::vector<std::int64_t> DetectionSampler::grouped(const std::vector<std::int64_t>& order) const {
  std::array<std::vector<std::size_t>, 256> waiting;  // places in `order`
  std::vector<std::int64_t> result;
  result.reserve(order.size());
  for (std::size_t place = 0; place < order.size(); ++place) {
    std::vector<std::size_t>& group = waiting[groups_[static_cast<std::size_t>(order[place])]];
    group.push_back(place);
    if (group.size() < static_cast<std::size_t>(batch_size_)) continue;
    for (const std::size_t member : group) result.push_back(order[member]);
    group.clear();
  }
  std::vector<std::size_t> left;
  for (const auto& group : waiting) left.insert(left.end(), group.begin(), group.end());
  std::ranges::sort(left);
  for (const std::size_t place : left) result.push_back(order[place]);
  return result;
}

std::vector<std::int64_t> DetectionSampler::epoch_order(std::int64_t epoch) const {
  std::vector<std::int64_t> order = drawn_indices(epoch);
  if (options_.order == DetectionSamplerOptions::Order::kShuffled) {
    Rng rng(seed_, static_cast<std::uint64_t>(epoch), kOrderStream, purpose::kSamplerOrder);
    rng.shuffle(order);
  }
  if (!groups_.empty()) order = grouped(order);
  const auto size = static_cast<std::size_t>(batches_of(static_cast<std::int64_t>(order.size())) * batch_size_);
  order.reserve(size);
  for (std::size_t i = 0; order.size() < size; ++i) order.push_back(order[i]);
  order.resize(size);
  return order;
}

BatchPosition DetectionSampler::position_after(std::int64_t num_batches) const {
  SOCO_ASSERT(num_batches >= 0);
  if (repeat_factors_.empty()) {
    const std::int64_t each = batches_per_epoch(0);
    return {num_batches / each, num_batches % each};
  }
  BatchPosition position{0, num_batches};
  for (std::int64_t length = batches_per_epoch(0); position.batch >= length;
       length = batches_per_epoch(position.epoch)) {
    position.batch -= length;
    ++position.epoch;
  }
  return position;
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/data/bad_images.h"

#include <algorithm>

#include "soco/base/error.h"

namespace soco {

BadImages::BadImages(double max_ratio, Logger& logger) : max_ratio_(max_ratio), logger_(logger) {
  if (!(max_ratio >= 0.0 && max_ratio <= 1.0))
    fail_usage("max_bad_ratio = {}; expected a share from 0 to 1", max_ratio);
}

void BadImages::first_usable(const ImageList& images, std::int64_t index,
                             const std::function<std::string(std::int64_t)>& use) const {
  const auto size = static_cast<std::int64_t>(images.size());
  SOCO_ASSERT(index >= 0 && index < size);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t candidate = (index + i) % size;
    if (is_known(candidate)) continue;
    const std::string why = use(candidate);
    if (why.empty()) return;
    record(images, candidate, why);
  }
  fail("none of the {} images could be used; '{}' is one of them, see the log for the reasons", size,
       images.key(static_cast<std::size_t>(index)));
}

bool BadImages::is_known(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  return bad_.contains(index);
}

void BadImages::record(const ImageList& images, std::int64_t index, const std::string& why) const {
  const auto size = static_cast<std::int64_t>(images.size());
  const std::string_view key = images.key(static_cast<std::size_t>(index));
  std::int64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!bad_.insert(index).second) return;  // another worker was first
    count = static_cast<std::int64_t>(bad_.size());
  }
  logger_.warning("image '{}' cannot be used, the next one takes its place: {}", key, why);
  if (count > max_count(size)) {
    fail(
        "{} of {} images cannot be used, more than the {} that max_bad_ratio = {} allows; the last was '{}': {}. "
        "Repair or remove them, or raise max_bad_ratio",
        count, size, max_count(size), max_ratio_, key, why);
  }
}

std::int64_t BadImages::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(bad_.size());
}

std::vector<std::int64_t> BadImages::indices() const {
  const std::lock_guard lock(mutex_);
  return {bad_.begin(), bad_.end()};
}

std::int64_t BadImages::max_count(std::int64_t num_images) const {
  if (max_ratio_ == 0.0) return 0;
  return std::max(static_cast<std::int64_t>(max_ratio_ * static_cast<double>(num_images)), kMinAllowed);
}

}  // namespace soco

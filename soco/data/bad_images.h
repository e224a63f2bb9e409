// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/image/image_list.h"

namespace soco {

/// The images of a set that were found unusable. Each is counted, named once in the log and replaced by the next usable
/// one: a function of the index alone, so that runs and resumes agree. Thread-safe.
class BadImages {
 public:
  /// `logger` must outlive it. `max_ratio`: more than this share stop the run. Usage Error when it is not in [0, 1].
  BadImages(double max_ratio, Logger& logger);

  /// Calls `use(i)` for i = index, index + 1, ... (after the last the first) until one returns ""; what it returns
  /// otherwise says why the image is bad. Error when more images than the share are bad, or all.
  void first_usable(const ImageList& images, std::int64_t index,
                    const std::function<std::string(std::int64_t)>& use) const;

  std::int64_t count() const;
  std::vector<std::int64_t> indices() const;  ///< ascending
  /// Bad images of `num_images` that are tolerated: the share, but at least kMinAllowed unless the share is 0.
  std::int64_t max_count(std::int64_t num_images) const;

  static constexpr std::int64_t kMinAllowed = 4;

 private:
  bool is_known(std::int64_t index) const;
  void record(const ImageList& images, std::int64_t index, const std::string& why) const;

  double max_ratio_;
  Logger& logger_;
  mutable std::mutex mutex_;            // guards bad_
  mutable std::set<std::int64_t> bad_;  // only grows
};

}  // namespace soco

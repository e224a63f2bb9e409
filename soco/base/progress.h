// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "soco/base/log.h"

namespace soco {

/// One line with count, rate and time left: "proposals 1200/5000 images 24% 31.2/s ETA 2m02s".
/// With an interactive logger it is redrawn at most five times a second; else a plain message every ten seconds.
/// Thread-safe.
class Progress {
 public:
  /// Seconds that never go back; what a test replaces.
  using Clock = std::function<double()>;

  /// total <= 0: not known, so no percentage and no time left. `unit` is a plural noun ("images").
  Progress(Logger& logger, std::string what, std::int64_t total, std::string unit, Clock clock = {});

  /// Removes the line when finish() was not called (an error passes by).
  ~Progress();

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Says that so much was done before this run (a resume), which the rate must not count.
  void start_at(std::int64_t done);

  /// So much is done in all (not since the last call); `extra` is shown at the line's end.
  void update(std::int64_t done, std::string_view extra = {});

  /// Removes the line and logs one message with the count, the duration and the mean rate. Further calls do nothing.
  void finish();

 private:
  std::string line(double now, std::string_view extra) const;
  double rate(double now) const;

  Logger& logger_;
  const std::string what_;
  const std::int64_t total_;
  const std::string unit_;
  const Clock clock_;
  std::mutex mutex_;
  double begin_;
  double last_shown_;
  std::int64_t done_at_begin_ = 0;
  std::int64_t done_ = 0;
  bool line_drawn_ = false;
  bool finished_ = false;
};

}  // namespace soco

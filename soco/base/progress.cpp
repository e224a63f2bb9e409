// SPDX-License-Identifier: MIT
#include "soco/base/progress.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "soco/base/format.h"

namespace soco {
namespace {

constexpr double kRedrawSeconds = 0.2;
constexpr double kMessageSeconds = 10;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Three digits are enough to see: "0.0123", "1.23", "123".
std::string rate_text(double rate) {
  return rate >= 99.95   ? fmt::format("{:.0f}/s", rate)
         : rate >= 9.995 ? fmt::format("{:.1f}/s", rate)
                         : fmt::format("{:.3g}/s", rate);
}

}  // namespace

Progress::Progress(Logger& logger, std::string what, std::int64_t total, std::string unit, Clock clock)
    : logger_(logger),
      what_(std::move(what)),
      total_(total),
      unit_(std::move(unit)),
      clock_(clock ? std::move(clock) : Clock(steady_seconds)),
      begin_(clock_()),
      last_shown_(begin_) {}

Progress::~Progress() {
  if (line_drawn_) logger_.show_status("");
}

void Progress::start_at(std::int64_t done) {
  std::lock_guard lock(mutex_);
  done_at_begin_ = done_ = done;
  begin_ = clock_();
}

void Progress::update(std::int64_t done, std::string_view extra) {
  std::lock_guard lock(mutex_);
  if (finished_) return;
  done_ = std::max(done_, done);  // threads may report out of order
  const double now = clock_();
  const bool interactive = logger_.interactive();
  if (now - last_shown_ < (interactive ? kRedrawSeconds : kMessageSeconds)) return;
  last_shown_ = now;
  if (interactive) {
    logger_.show_status(line(now, extra));
    line_drawn_ = true;
  } else {
    logger_.write(LogLevel::kInfo, line(now, extra));
  }
}

void Progress::finish() {
  std::lock_guard lock(mutex_);
  if (std::exchange(finished_, true)) return;
  if (std::exchange(line_drawn_, false)) logger_.show_status("");
  const double now = clock_();
  logger_.info("{}: {} {} in {} ({})", what_, format_count(done_), unit_, format_duration(now - begin_),
               rate_text(rate(now)));
}

double Progress::rate(double now) const {
  const double seconds = now - begin_;
  return seconds > 0 ? static_cast<double>(done_ - done_at_begin_) / seconds : 0;
}

std::string Progress::line(double now, std::string_view extra) const {
  const double per_second = rate(now);
  std::string text = fmt::format("{} {}", what_, done_);
  if (total_ > 0) text += fmt::format("/{}", total_);
  text += " " + unit_;
  if (total_ > 0) text += fmt::format(" {}%", 100 * std::min(done_, total_) / total_);
  text += " " + rate_text(per_second);
  if (total_ > 0 && per_second > 0) {
    text += " ETA " + format_duration(static_cast<double>(std::max<std::int64_t>(total_ - done_, 0)) / per_second);
  }
  return extra.empty() ? text : fmt::format("{} {}", text, extra);
}

}  // namespace soco

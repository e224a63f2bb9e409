// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include "soco/base/json.h"
#include "soco/base/log.h"
#include "soco/report/append_file.h"

namespace soco {

/// metrics.jsonl: one JSON object per line, each with an integer "step" that never decreases. A line is handed to the
/// system as a whole when it is added, so that a reader that follows the file, or a crash, meets at most one torn line.
/// Not thread-safe.
class MetricsLog {
 public:
  /// Starts a new file. Throws Error when `path` exists and is not empty: a run is never overwritten silently.
  static MetricsLog create(const std::filesystem::path& path);

  /// Opens the file of an interrupted run (or a new one when there is none) and removes what the resumed run will write
  /// again: every line from the first one whose step is greater than `last_step` on, and unreadable lines (a torn last
  /// one above all). Lines of equal step are kept as they are. Says in `log` what was removed.
  static MetricsLog resume(const std::filesystem::path& path, std::int64_t last_step, Logger& log);

  /// Appends `record` as one line. Not-finite numbers become null, as JSON has none. Throws Error when the record has
  /// no integer "step", when the step is smaller than the last one, or when the file cannot be written.
  void append(const Json& record);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  MetricsLog(AppendFile file, std::int64_t last_step) : file_(std::move(file)), last_step_(last_step) {}

  AppendFile file_;
  std::int64_t last_step_;  // of the last line; below any step when there is none
};

/// What check_metrics read.
struct MetricsCheck {
  std::int64_t num_lines = 0;
  bool torn_last_line = false;  // a last line without its end, as a power cut leaves it
};

/// Reads a metrics file. Throws Error naming the first line that is no record, or whose step is below the one before.
MetricsCheck check_metrics(const std::filesystem::path& path);

/// All readable records of a metrics file in order; unreadable lines (a torn last one above all) are left out.
/// Throws Error when the file is missing.
std::vector<Json> read_metrics(const std::filesystem::path& path);

}  // namespace soco

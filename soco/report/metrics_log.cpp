// SPDX-License-Identifier: MIT
#include "soco/report/metrics_log.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"

namespace soco {
namespace {

constexpr std::int64_t kNoStep = std::numeric_limits<std::int64_t>::min();
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{4} << 30;  // tens of millions of steps

// The line's record, empty when it is not a JSON object with an integer "step".
std::optional<Json> parse_line(std::string_view line) {
  Json record;
  try {
    record = parse_json(line, "metrics");
  } catch (const Error&) {
    return std::nullopt;
  }
  if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) return std::nullopt;
  return record;
}

// Calls visit(line with its line end, record or empty) for each line until it returns false. A last line without a line
// end is torn, even if what is there could be read: a number may be cut.
template <class F>
void for_each_line(std::string_view text, F visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const bool torn = end == std::string_view::npos;
    const std::string_view line = text.substr(0, torn ? text.size() : end + 1);
    text.remove_prefix(line.size());
    if (line == "\n") continue;
    if (!visit(line, torn ? std::nullopt : parse_line(line))) return;
  }
}

}  // namespace

MetricsLog MetricsLog::create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path) && std::filesystem::file_size(path, ignored) > 0) {
    fail("{}: exists and is not empty; resume the run, or choose another folder", path.string());
  }
  return MetricsLog(AppendFile(path, AppendFile::Mode::kExisting), kNoStep);
}

MetricsLog MetricsLog::resume(const std::filesystem::path& path, std::int64_t last_step, Logger& log) {
  std::int64_t step = kNoStep;
  if (std::filesystem::exists(path)) {
    const std::string text = read_text_file(path, kMaxFileBytes);
    std::string kept;
    std::int64_t num_unreadable = 0;
    for_each_line(text, [&](std::string_view line, const std::optional<Json>& record) {
      if (!record) {
        ++num_unreadable;
        return true;
      }
      const auto line_step = (*record)["step"].get<std::int64_t>();
      if (line_step > last_step) return false;
      step = std::max(step, line_step);
      kept += line;
      return true;
    });
    if (kept.size() != text.size()) {
      log.info("{}: resumed after step {}: {} bytes of later steps removed, {} unreadable lines dropped", path.string(),
               last_step, text.size() - kept.size(), num_unreadable);
      write_file_atomic(path, kept);
    }
  }
  return MetricsLog(AppendFile(path, AppendFile::Mode::kExisting), step);
}

void MetricsLog::append(const Json& record) {
  if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) {
    fail("{}: a record needs an integer \"step\", got {}", path().string(), dump_json(record));
  }
  const auto step = record["step"].get<std::int64_t>();
  if (step < last_step_) fail("{}: step {} comes after step {}", path().string(), step, last_step_);
  file_.append(dump_json(record) + "\n");
  last_step_ = step;
}

MetricsCheck check_metrics(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, kMaxFileBytes);
  MetricsCheck result;
  std::int64_t last_step = kNoStep;
  for_each_line(text, [&](std::string_view line, const std::optional<Json>& record) {
    ++result.num_lines;
    result.torn_last_line = !line.ends_with('\n');
    if (result.torn_last_line) return false;
    if (!record) fail("{}: line {} is no record with a step", path.string(), result.num_lines);
    const auto step = (*record)["step"].get<std::int64_t>();
    if (step < last_step)
      fail("{}: line {} has step {}, the one before {}", path.string(), result.num_lines, step, last_step);
    last_step = step;
    return true;
  });
  return result;
}

std::vector<Json> read_metrics(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, kMaxFileBytes);
  std::vector<Json> records;
  for_each_line(text, [&](std::string_view, std::optional<Json> record) {
    if (record) records.push_back(std::move(*record));
    return true;
  });
  return records;
}

}  // namespace soco

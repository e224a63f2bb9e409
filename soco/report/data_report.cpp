// SPDX-License-Identifier: MIT
#include "soco/report/data_report.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <tuple>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/hash.h"
#include "soco/base/progress.h"
#include "soco/base/random.h"
#include "soco/base/signals.h"
#include "soco/base/thread_pool.h"
#include "soco/data/sample.h"
#include "soco/data/sampler.h"
#include "soco/proposals/box_grid.h"

namespace soco {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

int num_threads(const DataReportOptions& options) {
  return options.workers > 0 ? options.workers : num_available_cpus();
}

/// What is remembered of every image: 40 bytes.
struct Finding {
  Hash128 hash;
  std::uint64_t num_bytes = 0;
  int height = 0, width = 0;  // 0: bad
  std::uint8_t format = 0;    // in formats_
};

/// Findings of all images, from any number of threads. Invariant: thread i alone writes findings_[i]; the rest is
/// guarded by mutex_.
class Findings {
 public:
  Findings(const ImageList& images, const DataReportOptions& options)
      : images_(images), options_(options), findings_(images.size()) {}

  void inspect(std::size_t index) {
    const ImageEntry entry = images_[index];
    Finding& finding = findings_[index];
    try {
      const std::vector<std::byte> bytes = read_image_bytes(entry, options_.limits.max_file_bytes);
      finding.num_bytes = bytes.size();
      finding.hash = hash128(bytes);
      const ImageInfo info = probe_image(bytes, display_name(entry), options_.limits);
      if (options_.check == DataReportOptions::Check::kDecode)
        decode_image(bytes, display_name(entry), options_.limits);
      finding.format = number_of(info.format);
      finding.width = info.width;
      finding.height = info.height;
    } catch (const Error& error) {
      add_bad(index, error.what());
    }
  }

  DataReport report() && {
    DataReport report;
    report.num_images = static_cast<std::int64_t>(findings_.size());
    report.num_bad = num_bad_;
    for (const auto& [index, why] : bad_) report.bad.emplace_back(images_.key(index), why);
    std::vector<double> widths, heights, megapixels;
    for (const Finding& finding : findings_) {
      report.num_bytes += finding.num_bytes;
      if (finding.width == 0) continue;
      ++report.formats[formats_[finding.format]];
      widths.push_back(finding.width);
      heights.push_back(finding.height);
      megapixels.push_back(static_cast<double>(finding.width) * finding.height / 1e6);
    }
    report.width = spread_of(std::move(widths));
    report.height = spread_of(std::move(heights));
    report.megapixels = spread_of(std::move(megapixels));
    find_repeats(report);
    return report;
  }

 private:
  std::uint8_t number_of(const std::string& format) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find(formats_.begin(), formats_.end(), format);
    if (found == formats_.end()) formats_.push_back(format);
    return static_cast<std::uint8_t>(std::find(formats_.begin(), formats_.end(), format) - formats_.begin());
  }

  // The examples kept are the first by index, whatever the order the threads come in.
  void add_bad(std::size_t index, const std::string& why) {
    const std::lock_guard lock(mutex_);
    ++num_bad_;
    bad_.emplace(index, why);
    if (bad_.size() > DataReport::kMaxNamed) bad_.erase(std::prev(bad_.end()));
  }

  void find_repeats(DataReport& report) const {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < findings_.size(); ++i) {
      if (findings_[i].num_bytes > 0) order.push_back(i);
    }
    const auto key = [&](std::size_t i) { return std::tuple(findings_[i].hash.high, findings_[i].hash.low, i); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    std::map<std::size_t, std::size_t> examples;  // image -> the first of its content
    std::size_t first = 0;
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (!(findings_[order[i]].hash == findings_[order[first]].hash)) {
        first = i;
        continue;
      }
      ++report.num_repeats;
      examples.emplace(order[i], order[first]);
      if (examples.size() > DataReport::kMaxNamed) examples.erase(std::prev(examples.end()));
    }
    for (const auto& [again, before] : examples) report.repeats.emplace_back(images_.key(again), images_.key(before));
  }

  const ImageList& images_;
  const DataReportOptions& options_;
  std::vector<Finding> findings_;
  std::mutex mutex_;
  std::vector<std::string> formats_;
  std::map<std::size_t, std::string> bad_;
  std::int64_t num_bad_ = 0;
};

void check_stop() {
  if (stop_requested()) throw Error(ErrorKind::kInterrupted, "stopped by a signal; nothing was written");
}

/// The image's boxes; empty when it has none to be used.
ProposalSet proposals_for(const ImageEntry& entry, const Image& image, const ProposalStore* store) {
  if (store == nullptr) return {image.height, image.width, box_grid(image.height, image.width, {})};
  std::optional<ProposalRecord> record = store->get(entry.key);
  if (!record || !record->error.empty()) return {};
  return std::move(record->proposals);
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  return {.min = *min, .median = *middle, .max = *max, .mean = mean};
}

DataReport inspect_images(const ImageList& images, const DataReportOptions& options, Logger& logger) {
  Findings findings(images, options);
  Progress progress(logger, "inspect", static_cast<std::int64_t>(images.size()), "images");
  std::atomic<std::int64_t> done{0};
  parallel_for(num_threads(options), static_cast<std::int64_t>(images.size()), [&](std::int64_t i) {
    check_stop();
    findings.inspect(static_cast<std::size_t>(i));
    progress.update(++done);
  });
  progress.finish();
  return std::move(findings).report();
}

DataReport::Proposals inspect_image_proposals(const ImageList& images, const ProposalStore& store,
                                              const FilterOptions& filter, Logger& logger) {
  DataReport::Proposals result;
  std::vector<double> stored, kept;
  Progress progress(logger, "proposals", static_cast<std::int64_t>(images.size()), "images");
  for (std::size_t i = 0; i < images.size(); ++i) {
    check_stop();
    progress.update(static_cast<std::int64_t>(i) + 1);
    const std::optional<ProposalRecord> record = store.get(images.key(i));
    if (!record) {
      ++result.num_missing;
    } else if (!record->error.empty()) {
      ++result.num_bad;
    } else {
      const ProposalSet& set = record->proposals;
      stored.push_back(static_cast<double>(set.boxes.size()));
      kept.push_back(static_cast<double>(filter_proposals(set.boxes, set.height, set.width, filter).size()));
    }
  }
  progress.finish();
  result.stored = spread_of(std::move(stored));
  result.kept = spread_of(std::move(kept));
  return result;
}

std::optional<DataReport::Speed> time_samples(const ImageList& images, const ViewPlan& plan, const ProposalStore* store,
                                              const DataReportOptions& options, std::int64_t count) {
  const auto order = EpochSampler(static_cast<std::int64_t>(images.size()), 1, 0).epoch_order(0);
  count = std::min(count, static_cast<std::int64_t>(order.size()));
  std::mutex mutex;
  std::int64_t num_timed = 0;
  double decoding = 0, augmenting = 0;
  const Clock::time_point begin = Clock::now();
  parallel_for(num_threads(options), count, [&](std::int64_t i) {
    check_stop();
    const std::int64_t index = order[static_cast<std::size_t>(i)];
    const ImageEntry entry = images[static_cast<std::size_t>(index)];
    const Clock::time_point first = Clock::now();
    try {
      const Image image = read_image(entry, options.limits);
      const Clock::time_point second = Clock::now();
      const ProposalSet proposals = proposals_for(entry, image, store);
      if (proposals.boxes.empty()) return;
      Rng rng(0, 0, static_cast<std::uint64_t>(index), purpose::kViews);
      make_sample(image, proposals, plan, rng);
      const std::lock_guard lock(mutex);
      ++num_timed;
      augmenting += seconds_since(second);
      decoding += std::chrono::duration<double>(second - first).count();
    } catch (const Error&) {  // a bad image; inspect_images names it
    }
  });
  const double seconds = seconds_since(begin);
  if (num_timed == 0) return std::nullopt;
  const double rate = static_cast<double>(num_timed) / seconds;
  return DataReport::Speed{.workers = num_threads(options),
                           .num_timed = num_timed,
                           .images_per_s = rate,
                           .decode_share = decoding / (decoding + augmenting),
                           .epoch_seconds = static_cast<double>(images.size()) / rate};
}

namespace {

std::string spread_text(const Spread& s, int digits) {
  return fmt::format("{:>10.{}f} {:>10.{}f} {:>10.{}f} {:>10.{}f}\n", s.min, digits, s.median, digits, s.mean, digits,
                     s.max, digits);
}

std::string examples_text(const std::vector<std::pair<std::string, std::string>>& examples, std::int64_t count,
                          std::string_view between) {
  constexpr std::size_t kShown = 20;
  const std::size_t num_shown = std::min(examples.size(), kShown);
  std::string text;
  for (std::size_t i = 0; i < num_shown; ++i)
    text += fmt::format("  {}{}{}\n", printable(examples[i].first), between, printable(examples[i].second));
  const std::int64_t rest = count - static_cast<std::int64_t>(num_shown);
  return rest > 0 ? text + fmt::format("  and {} more\n", format_count(rest)) : text;
}

Json spread_json(const Spread& s) { return {{"min", s.min}, {"median", s.median}, {"mean", s.mean}, {"max", s.max}}; }

}  // namespace

std::string data_report_text(const DataReport& r) {
  std::string text = fmt::format("images      {:>10}\nbytes       {:>10}\nbroken      {:>10}\nrepeated    {:>10}\n",
                                 format_count(r.num_images), format_bytes(r.num_bytes), format_count(r.num_bad),
                                 format_count(r.num_repeats));
  for (const auto& [format, count] : r.formats) text += fmt::format("{:<12}{:>10}\n", format, format_count(count));
  text += fmt::format("\n{:<14}{:>10} {:>10} {:>10} {:>10}\n", "", "min", "median", "mean", "max");
  text += fmt::format("{:<14}{}", "width, px", spread_text(r.width, 0));
  text += fmt::format("{:<14}{}", "height, px", spread_text(r.height, 0));
  text += fmt::format("{:<14}{}", "megapixels", spread_text(r.megapixels, 2));
  if (r.proposals) {
    text += fmt::format("{:<14}{}", "proposals", spread_text(r.proposals->stored, 0));
    text += fmt::format("{:<14}{}", "after filter", spread_text(r.proposals->kept, 0));
    text += fmt::format("images without proposals: {}; with an error in their place: {}\n",
                        format_count(r.proposals->num_missing), format_count(r.proposals->num_bad));
  }
  if (r.num_bad > 0) text += "\nbroken:\n" + examples_text(r.bad, r.num_bad, ": ");
  if (r.num_repeats > 0) text += "\nrepeated:\n" + examples_text(r.repeats, r.num_repeats, " has the content of ");
  if (r.speed) {
    text += fmt::format(
        "\nan epoch takes at least {}: {:.1f} images/s with {} workers, {:.0f} % decoding, {:.0f} % augmentation "
        "(measured on {} images, read a moment ago)\n",
        format_duration(r.speed->epoch_seconds), r.speed->images_per_s, r.speed->workers, 100 * r.speed->decode_share,
        100 * (1 - r.speed->decode_share), r.speed->num_timed);
  }
  return text;
}

Json data_report_json(const DataReport& r) {
  Json json{{"num_images", r.num_images}, {"num_bytes", r.num_bytes}, {"num_bad", r.num_bad}, {"formats", r.formats}};
  json["width"] = spread_json(r.width);
  json["height"] = spread_json(r.height);
  json["megapixels"] = spread_json(r.megapixels);
  json["bad"] = Json::array();
  for (const auto& [key, why] : r.bad) json["bad"].push_back({{"key", key}, {"reason", why}});
  json["num_repeats"] = r.num_repeats;
  json["repeats"] = Json::array();
  for (const auto& [key, first] : r.repeats) json["repeats"].push_back({{"key", key}, {"first", first}});
  if (r.proposals) {
    json["proposals"] = {{"num_missing", r.proposals->num_missing}, {"num_bad", r.proposals->num_bad}};
    json["proposals"]["stored"] = spread_json(r.proposals->stored);
    json["proposals"]["kept"] = spread_json(r.proposals->kept);
  }
  if (r.speed) {
    json["speed"] = {{"workers", r.speed->workers},
                     {"num_timed", r.speed->num_timed},
                     {"images_per_s", r.speed->images_per_s},
                     {"decode_share", r.speed->decode_share},
                     {"epoch_seconds", r.speed->epoch_seconds}};
  }
  return json;
}

}  // namespace soco

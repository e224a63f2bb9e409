// SPDX-License-Identifier: MIT
#include "soco/proposals/job.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "soco/base/bounded_queue.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/base/hash.h"
#include "soco/base/progress.h"
#include "soco/base/random.h"
#include "soco/base/signals.h"
#include "soco/base/thread_pool.h"
#include "soco/image/codec.h"
#include "soco/proposals/store.h"

namespace soco {
namespace {

using Clock = std::chrono::steady_clock;

/// A crash loses at most this much work.
constexpr std::size_t kMaxBatch = 64;
constexpr std::chrono::seconds kMaxBatchAge{2};

/// What became of one image.
struct Outcome {
  ProposalRecord record;  // its error, too, when `skipped`
  bool skipped = false;   // its row is there already
};

/// The boxes of an image file before the filter. Boxes that know nothing of the image need its header alone.
ProposalSet make_boxes(std::span<const std::byte> bytes, const std::string& key, const ProposeOptions& options,
                       SelectiveSearcher& searcher) {
  if (options.source == BoxSource::kSearch) {
    DecodeLimits limits;
    if (options.search.max_side == 0) limits.max_pixels = options.search.max_pixels;
    const Image image = decode_image(bytes, key, limits);
    return {.height = image.height, .width = image.width, .boxes = searcher.search(image)};
  }
  const ImageInfo info = probe_image(bytes, key);
  ProposalSet set{.height = info.height, .width = info.width, .boxes = {}};
  if (options.source == BoxSource::kGrid) {
    set.boxes = box_grid(set.height, set.width, options.grid);
  } else {
    const Hash128 stream = hash128(bytes_of(key));  // a function of the image's name, not of its place in the list
    Rng rng(static_cast<std::uint64_t>(options.random.seed), stream.high, stream.low, purpose::kRandomBoxes);
    set.boxes = random_boxes(set.height, set.width, options.random, rng);
  }
  return set;
}

/// Reads the file, then either finds its row or makes it. Error of the image: in the record, never thrown.
Outcome process(const ImageEntry& entry, const ProposeOptions& options, const ProposalStore& store,
                SelectiveSearcher& searcher) {
  Outcome outcome;
  ProposalRecord& record = outcome.record;
  record.key = entry.key;
  std::vector<std::byte> bytes;
  try {
    bytes = read_image_bytes(entry, DecodeLimits{}.max_file_bytes);
    record.fingerprint = hash128(bytes);
  } catch (const Error& e) {
    record.error = e.what();  // the fingerprint stays zero, as in the row of an earlier run that could not read it
  }
  const std::optional<ProposalRecord> found = store.get(entry.key);
  if (found && found->fingerprint == record.fingerprint && (found->error.empty() || !options.retry_bad)) {
    record.error = found->error;
    outcome.skipped = true;
    return outcome;
  }
  if (!record.error.empty()) return outcome;
  try {
    ProposalSet set = make_boxes(bytes, entry.key, options, searcher);
    set.boxes = filter_proposals(set.boxes, set.height, set.width, options.filter);
    record.proposals = std::move(set);
  } catch (const Error& e) {
    record.error = e.what();
  }
  return outcome;
}

/// Threads that work through the entries and hand the outcomes over in a queue of limited length.
/// Invariant: the queue is closed by the last thread to end, or by the destructor.
class Workers {
 public:
  Workers(const ImageList& entries, const std::vector<std::size_t>& mine, const ProposeOptions& options,
          const ProposalStore& store, int num_threads)
      : entries_(entries),
        mine_(mine),
        options_(options),
        store_(store),
        outcomes_(4 * static_cast<std::size_t>(num_threads)),
        num_running_(num_threads) {
    for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Workers() {
    stop();
    outcomes_.close_and_clear();
    for (std::thread& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// The next outcome, in no particular order; nothing when all are done or stop() took effect.
  std::optional<Outcome> next() { return outcomes_.pop(); }
  /// Lets every thread finish its image and begin no other.
  void stop() { stopping_ = true; }
  /// Throws what a thread threw that was no image's fault.
  void rethrow_error() const {
    const std::lock_guard lock(error_mutex_);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void run() {
    try {
      SelectiveSearcher searcher(options_.search);
      for (std::size_t i = next_index_++; i < mine_.size() && !stopping_; i = next_index_++) {
        if (!outcomes_.push(process(entries_[mine_[i]], options_, store_, searcher))) break;
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      error_ = std::current_exception();
      stop();
    }
    if (--num_running_ == 0) outcomes_.close();
  }

  const ImageList& entries_;
  const std::vector<std::size_t>& mine_;  // indices of this shard
  const ProposeOptions& options_;
  const ProposalStore& store_;
  BoundedQueue<Outcome> outcomes_;
  std::atomic<std::size_t> next_index_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> num_running_;
  mutable std::mutex error_mutex_;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

/// Gathers records and commits them in batches.
class BatchWriter {
 public:
  explicit BatchWriter(ProposalStore& store) : store_(store) {}
  void add(ProposalRecord record) {
    if (batch_.empty()) begun_ = Clock::now();
    batch_.push_back(std::move(record));
    if (batch_.size() >= kMaxBatch || Clock::now() - begun_ >= kMaxBatchAge) commit();
  }
  void commit() {
    if (!batch_.empty()) store_.put(batch_);
    batch_.clear();
  }

 private:
  ProposalStore& store_;
  std::vector<ProposalRecord> batch_;
  Clock::time_point begun_;
};

void account(const Outcome& outcome, ProposeSummary& summary, Logger& logger) {
  const bool is_bad = !outcome.record.error.empty();
  summary.num_bad += is_bad ? 1 : 0;
  if (outcome.skipped) {
    ++summary.num_skipped;
    return;
  }
  ++summary.num_done;
  summary.num_boxes += static_cast<std::int64_t>(outcome.record.proposals.boxes.size());
  if (is_bad) logger.warning("bad image {}: {}", outcome.record.key, outcome.record.error);
}

std::string progress_note(const ProposeSummary& summary) {
  std::string note;
  if (summary.num_skipped > 0) note += fmt::format("{} were there", format_count(summary.num_skipped));
  if (summary.num_bad > 0) note += fmt::format("{}{} bad", note.empty() ? "" : ", ", format_count(summary.num_bad));
  return note;
}

void run_workers(const ImageList& entries, const std::vector<std::size_t>& mine, const ProposeOptions& options,
                 ProposalStore& store, ProposeSummary& summary, Logger& logger) {
  const int available = options.workers > 0 ? options.workers : num_available_cpus();
  const int num_threads =
      static_cast<int>(std::clamp<std::size_t>(mine.size(), 1, static_cast<std::size_t>(available)));
  Progress progress(logger, "proposals", summary.num_images, "images");
  BatchWriter writer(store);
  Workers workers(entries, mine, options, store, num_threads);
  while (std::optional<Outcome> outcome = workers.next()) {
    account(*outcome, summary, logger);
    if (!outcome->skipped) writer.add(std::move(outcome->record));
    progress.update(summary.num_done + summary.num_skipped, progress_note(summary));
    if (stop_requested()) workers.stop();
  }
  writer.commit();
  workers.rethrow_error();
  progress.finish();
}

void check_complete(const ProposeSummary& summary, const ProposeOptions& options) {
  const std::int64_t num_finished = summary.num_done + summary.num_skipped;
  if (num_finished < summary.num_images) {
    throw Error(
        ErrorKind::kInterrupted,
        fmt::format("proposals: stopped by signal {}; {} of {} images are done and saved in {}: the same command "
                    "continues",
                    stop_signal(), num_finished, summary.num_images, options.out.string()));
  }
}

void check_bad_share(const ProposeSummary& summary, const ProposeOptions& options) {
  const double allowed = options.max_bad_ratio * static_cast<double>(summary.num_images);
  if (static_cast<double>(summary.num_bad) <= allowed) return;
  const bool few = summary.num_bad <= kMinBadAllowed && summary.num_bad < summary.num_images;
  if (few && options.max_bad_ratio > 0) return;
  fail(
      "proposals: {} of {} images are bad, more than max_bad_ratio = {}; {} keeps the rest, and the reason of each: "
      "repair or remove them and run again, or raise max_bad_ratio",
      summary.num_bad, summary.num_images, options.max_bad_ratio, options.out.string());
}

/// " key=value" of every option that shapes the boxes.
template <class Options>
std::string fields_text(const Options& options) {
  std::string text;
  for (const OptionDoc& doc : describe(options)) {
    if (doc.key != "max_pixels") text += fmt::format(" {}={}", doc.key, doc.default_value);
  }
  return text;
}

std::optional<int> parse_count(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

}  // namespace

bool Shard::contains(std::string_view key) const {
  return count == 1 ||
         hash128(bytes_of(key)).low % static_cast<std::uint64_t>(count) == static_cast<std::uint64_t>(index - 1);
}

Shard parse_shard(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::optional<int> index = parse_count(text.substr(0, slash));
  const std::optional<int> count = parse_count(text.substr(std::min(slash + 1, text.size())));
  if (!index || !count || *index > *count) {
    fail_usage("shard = '{}': expected I/N with 1 <= I <= N, such as 1/4 for the first of four", text);
  }
  return {.index = *index, .count = *count};
}

void ProposeOptions::validate() const {
  search.validate();
  random.validate();
  grid.validate();
  filter.validate();
  parse_shard(shard);
  if (out.empty()) fail_usage("out: the file for the proposals is not given");
}

std::string store_options_text(const ProposeOptions& o) {
  std::string text = "source=" + enum_name(o.source, kBoxSourceNames);
  switch (o.source) {
    case BoxSource::kSearch:
      text += " " + identity_text(o.search);
      break;
    case BoxSource::kRandom:
      text += fields_text(o.random);
      break;
    case BoxSource::kGrid:
      text += fields_text(o.grid);
      break;
  }
  return text + " filter=" + to_string(o.filter);
}

ProposeSummary propose(const ImageList& entries, const ProposeOptions& options, Logger& logger) {
  options.validate();
  if (entries.empty()) fail("proposals: there are no images to work on");
  const Clock::time_point begin = Clock::now();
  const Shard shard = parse_shard(options.shard);
  std::vector<std::size_t> mine;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (shard.contains(entries.key(i))) mine.push_back(i);
  }
  ProposalStore store = ProposalStore::create_or_open(options.out, store_options_text(options));
  ProposeSummary summary;
  summary.num_images = static_cast<std::int64_t>(mine.size());
  if (!mine.empty()) run_workers(entries, mine, options, store, summary, logger);
  summary.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  check_complete(summary, options);
  check_bad_share(summary, options);
  return summary;
}

}  // namespace soco

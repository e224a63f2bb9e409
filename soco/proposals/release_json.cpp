// SPDX-License-Identifier: MIT
#include "soco/proposals/release_json.h"

#include <fstream>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/base/signals.h"
#include "soco/image/codec.h"
#include "soco/proposals/release_box.h"

namespace soco {
namespace {

constexpr std::size_t kBatch = 200;
constexpr const char* kImportedOptions = "imported from the release's json";

std::string stem_of(std::string_view key) { return std::filesystem::path(key).stem().string(); }

bool is_whole_image(const ProposalSet& p) {
  return p.boxes.size() == 1 && p.boxes[0] == Box{0, 0, static_cast<float>(p.width), static_cast<float>(p.height)};
}

std::string json_entry(const std::string& stem, const ProposalSet& proposals) {
  std::string text = dump_json(Json(stem)) + ": [";
  if (!is_whole_image(proposals)) {
    const char* separator = "";
    for (const Box& box : proposals.boxes) {
      const ReleaseBox b = release_box_from_box(box);
      text += fmt::format("{}[{}, {}, {}, {}]", std::exchange(separator, ", "), b.x, b.y, b.w, b.h);
    }
  }
  return text + "]";
}

/// Puts one image's boxes into the new store.
class Importer {
 public:
  Importer(const std::string& name, const std::vector<ImageEntry>& entries, ProposalStore& store)
      : name_(name), entries_(entries), store_(store), used_(entries.size(), false) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto [place, added] = by_stem_.emplace(stem_of(entries[i].key), i);
      if (!added) {
        fail("{}: the images {} and {} have the same stem, which is all that the file tells them apart by", name,
             entries[place->second].key, entries[i].key);
      }
    }
  }

  void add(const std::string& stem, const std::vector<ReleaseBox>& boxes) {
    const auto place = by_stem_.find(stem);
    if (place == by_stem_.end()) {
      ++summary_.num_unused;
      return;
    }
    if (used_[place->second]) fail("{}: '{}' is there twice", name_, stem);
    used_[place->second] = true;
    batch_.push_back(record_of(entries_[place->second], stem, boxes));
    ++summary_.num_images;
    summary_.num_boxes += static_cast<std::int64_t>(batch_.back().proposals.boxes.size());
    if (batch_.size() >= kBatch) commit();
    if (stop_requested()) throw Error(ErrorKind::kInterrupted, name_ + ": stopped by a signal; nothing was kept");
  }

  ReleaseJsonSummary finish() {
    commit();
    if (summary_.num_images == 0) {
      fail("{}: none of its {} entries has the stem of one of the {} images", name_, summary_.num_unused,
           entries_.size());
    }
    summary_.num_missing = static_cast<std::int64_t>(entries_.size()) - summary_.num_images;
    return summary_;
  }

 private:
  void commit() {
    if (!batch_.empty()) store_.put(batch_);
    batch_.clear();
  }

  ProposalRecord record_of(const ImageEntry& entry, const std::string& stem,
                           const std::vector<ReleaseBox>& boxes) const {
    const std::vector<std::byte> bytes = read_image_bytes(entry);
    const ImageInfo info = probe_image(bytes, entry.key);
    ProposalRecord record;
    record.key = entry.key;
    record.fingerprint = hash128(bytes);
    record.proposals = {.height = info.height, .width = info.width, .boxes = {}};
    for (const ReleaseBox& b : boxes) {
      if (b.x < 0 || b.y < 0 || b.w < 0 || b.h < 0 || b.x >= info.width - b.w || b.y >= info.height - b.h) {
        fail(
            "{}: '{}': box [{}, {}, {}, {}] leaves the image of {} x {} pixels (w and h are one pixel short of the "
            "region's, so x + w < width)",
            name_, stem, b.x, b.y, b.w, b.h, info.width, info.height);
      }
      record.proposals.boxes.push_back(box_from_release_box(b));
    }
    if (boxes.empty()) {
      record.proposals.boxes.push_back({0, 0, static_cast<float>(info.width), static_cast<float>(info.height)});
    }
    return record;
  }

  std::string name_;
  const std::vector<ImageEntry>& entries_;
  ProposalStore& store_;
  std::unordered_map<std::string, std::size_t> by_stem_;
  std::vector<bool> used_;  // per entry: the file had its stem
  std::vector<ProposalRecord> batch_;
  ReleaseJsonSummary summary_;
};

/// Takes the file in as it is parsed, since it may be larger than memory. Depth 1: stems; 2: boxes; 3: numbers.
class ReleaseJsonHandler : public nlohmann::json_sax<Json> {
 public:
  ReleaseJsonHandler(std::string name, Importer& importer) : name_(std::move(name)), importer_(importer) {}

  bool start_object(std::size_t) override { return depth_++ == 0 ? true : refuse("an object"); }
  bool end_object() override { return --depth_ == 0; }
  bool key(string_t& stem) override {
    stem_ = stem;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0 || depth_ == 3) return refuse("a list");
    if (depth_++ == 1) boxes_.clear();
    numbers_.clear();
    return true;
  }
  bool end_array() override {
    if (--depth_ == 1) {
      importer_.add(stem_, boxes_);
    } else {
      if (numbers_.size() != 4) refuse(fmt::format("a box of {} numbers", numbers_.size()));
      boxes_.push_back({numbers_[0], numbers_[1], numbers_[2], numbers_[3]});
    }
    return true;
  }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return number(value > kLargest ? kLargest + 1 : static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return refuse(fmt::format("{}, which is not a whole number", text));
  }
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool string(string_t&) override { return refuse("a text"); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    fail("{}: not JSON, at byte {}: {}", name_, position, e.what());
  }

 private:
  static constexpr std::int64_t kLargest = 1 << 30;

  bool number(std::int64_t value) {
    if (depth_ != 3) refuse(fmt::format("{}", value));
    if (value < -kLargest || value > kLargest) refuse("a number that no image reaches");
    numbers_.push_back(static_cast<int>(value));
    if (numbers_.size() > 4) refuse("a box of more than 4 numbers");
    return true;
  }
  [[noreturn]] bool refuse(const std::string& what) const {
    fail("{}: '{}': {} is out of place; expected {{\"<file stem>\": [[x, y, w, h], ...], ...}} in whole pixels", name_,
         stem_, what);
  }

  std::string name_;
  Importer& importer_;
  int depth_ = 0;
  std::string stem_;
  std::vector<ReleaseBox> boxes_;
  std::vector<int> numbers_;
};

/// Removes a file, and what SQLite puts beside it, unless told to keep it.
class RemoveOnError {
 public:
  explicit RemoveOnError(std::filesystem::path path) : path_(std::move(path)) {}
  ~RemoveOnError() {
    if (kept_) return;
    for (const char* suffix : {"", "-wal", "-journal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(path_.string() + suffix, ignored);
    }
  }
  RemoveOnError(const RemoveOnError&) = delete;
  RemoveOnError& operator=(const RemoveOnError&) = delete;
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace

ReleaseJsonSummary export_release_json(const ProposalStore& store, const std::filesystem::path& out,
                                       const FilterOptions& filter) {
  ReleaseJsonSummary summary;
  std::unordered_map<std::string, std::string> key_of_stem;
  AtomicFile file(out);
  file.write("{");
  store.for_each([&](const ProposalRecord& record) {
    if (!record.error.empty()) {
      ++summary.num_missing;
      return;
    }
    const std::string stem = stem_of(record.key);
    const auto [place, added] = key_of_stem.emplace(stem, record.key);
    if (!added) {
      fail("{}: the images {} and {} have the same stem, and the release's JSON has nothing else to tell them apart",
           store.path().string(), place->second, record.key);
    }
    ProposalSet kept = record.proposals;
    kept.boxes = filter_proposals(kept.boxes, kept.height, kept.width, filter);
    if (summary.num_images++ > 0) file.write(", ");
    file.write(json_entry(stem, kept));
    summary.num_boxes += static_cast<std::int64_t>(kept.boxes.size());
  });
  file.write("}");
  file.commit();
  return summary;
}

ReleaseJsonSummary import_release_json(const std::filesystem::path& json, const std::vector<ImageEntry>& entries,
                                       const std::filesystem::path& out) {
  std::ifstream in(json, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(json))
    fail("{}: there is no such file, or it cannot be read", json.string());
  if (std::filesystem::exists(out))
    fail("{}: the file exists; import makes a new store: give another name", out.string());
  RemoveOnError guard(out);  // before the store, so that it acts after the store is closed
  ReleaseJsonSummary summary;
  {
    ProposalStore store = ProposalStore::create_or_open(out, kImportedOptions);
    Importer importer(json.string(), entries, store);
    ReleaseJsonHandler handler(json.string(), importer);
    Json::sax_parse(in, &handler);
    summary = importer.finish();
  }
  guard.keep();
  return summary;
}

}  // namespace soco

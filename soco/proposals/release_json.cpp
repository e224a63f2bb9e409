// SPDX-License-Identifier: MIT
#include "soco/proposals/release_json.h"

#include <array>
#include <unordered_map>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/base/json_reader.h"
#include "soco/image/codec.h"
#include "soco/proposals/new_store.h"
#include "soco/proposals/release_box.h"

namespace soco {
namespace {

constexpr const char* kForm = "{\"<file stem>\": [[x, y, w, h], ...], ...} in whole pixels";

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
  Importer(const std::string& name, const ImageList& entries, const FilterOptions& filter, NewStore& store)
      : name_(name), entries_(entries), filter_(filter), store_(store), used_(entries.size(), false) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto [place, added] = by_stem_.emplace(stem_of(entries.key(i)), i);
      if (!added) {
        fail("{}: the images {} and {} have the same stem, which is all that the file tells them apart by", name,
             entries.key(place->second), entries.key(i));
      }
    }
  }

  void add(const std::string& stem, const std::vector<ReleaseBox>& boxes) {
    const auto place = by_stem_.find(stem);
    if (place == by_stem_.end()) return unused_.add(stem);
    if (used_[place->second]) fail("{}: '{}' is there twice", name_, stem);
    used_[place->second] = true;
    store_.add(record_of(entries_[place->second], stem, boxes));
  }

  ReleaseJsonSummary finish(ForeignNames foreign) {
    const std::int64_t num_entries = store_.num_rows() + unused_.count();
    if (store_.num_rows() == 0) {
      fail("{}: none of its {} entries has the stem of one of the {} images", name_, num_entries, entries_.size());
    }
    if (foreign == ForeignNames::kFew) {
      unused_.check_minority(num_entries, name_, "entries, so many have the stem of no image:");
    }
    return {.num_images = store_.num_rows(),
            .num_boxes = store_.num_boxes(),
            .num_missing = static_cast<std::int64_t>(entries_.size()) - store_.num_rows(),
            .unused = unused_};
  }

 private:
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
    // Without boxes the filter gives the whole image.
    record.proposals.boxes = filter_proposals(record.proposals.boxes, info.height, info.width, filter_);
    return record;
  }

  std::string name_;
  const ImageList& entries_;
  const FilterOptions& filter_;
  NewStore& store_;
  std::unordered_map<std::string, std::size_t> by_stem_;
  std::vector<bool> used_;  // per entry: the file had its stem
  MissingNames unused_;
};

int read_coordinate(JsonReader& json) {
  constexpr std::int64_t kLargest = 1 << 30;
  const std::int64_t value = json.read_integer();
  if (value < -kLargest || value > kLargest) json.fail_here(fmt::format("{} px, which no image reaches", value));
  return static_cast<int>(value);
}

ReleaseBox read_box(JsonReader& json) {
  std::array<int, 4> numbers{};
  std::size_t count = 0;
  json.read_array([&] {
    const int number = read_coordinate(json);
    if (count < 4) numbers[count] = number;
    ++count;
  });
  if (count != 4) json.fail_here(fmt::format("a box of {} numbers; expected [x, y, w, h]", count));
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

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

ReleaseJsonSummary import_release_json(const std::filesystem::path& path, const ImageList& entries,
                                       const std::filesystem::path& out, const FilterOptions& filter,
                                       ForeignNames foreign) {
  JsonReader json(path, kForm);
  NewStore store(out, fmt::format("source=release-json filter={}", to_string(filter)));
  Importer importer(path.string(), entries, filter, store);
  std::vector<ReleaseBox> boxes;
  json.read_object([&](const std::string& stem) {
    boxes.clear();
    json.read_array([&] { boxes.push_back(read_box(json)); });
    importer.add(stem, boxes);
  });
  json.finish();
  ReleaseJsonSummary summary = importer.finish(foreign);
  store.commit();
  return summary;
}

}  // namespace soco

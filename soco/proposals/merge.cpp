// SPDX-License-Identifier: MIT
#include "soco/proposals/merge.h"

#include <memory>
#include <optional>
#include <queue>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/progress.h"
#include "soco/proposals/new_store.h"
#include "soco/proposals/store.h"

namespace soco {
namespace {

/// A store being read, and the row that comes next.
struct Source {
  explicit Source(const std::filesystem::path& path)
      : store(ProposalStore::open_read(path)), cursor(store.cursor()), row(cursor.next()) {}

  ProposalStore store;
  ProposalStore::Cursor cursor;
  std::optional<ProposalRecord> row;
};
using Sources = std::vector<std::unique_ptr<Source>>;

Sources open_all(const std::vector<std::filesystem::path>& paths) {
  if (paths.size() < 2) fail_usage("merge: two stores or more are needed, {} are given", paths.size());
  Sources sources;
  for (const std::filesystem::path& path : paths) {
    sources.push_back(std::make_unique<Source>(path));
    const ProposalStore &first = sources.front()->store, &last = sources.back()->store;
    if (first.options() != last.options()) {
      fail("merge: the stores' boxes were made with different options\n  {}: {}\n  {}: {}\nmerge stores of one job",
           first.path().string(), first.options(), last.path().string(), last.options());
    }
  }
  return sources;
}

std::string content_text(const ProposalRecord& r) {
  if (!r.error.empty()) return fmt::format("a bad image ({}), file {}", r.error, r.fingerprint.hex());
  return fmt::format("{} boxes in {} x {} pixels, file {}", r.proposals.boxes.size(), r.proposals.width,
                     r.proposals.height, r.fingerprint.hex());
}

void check_equal(const ProposalRecord& a, const Source& source_a, const ProposalRecord& b, const Source& source_b) {
  if (a.proposals == b.proposals && a.fingerprint == b.fingerprint && a.error == b.error) return;
  fail("merge: '{}' differs between two stores\n  {}: {}\n  {}: {}\nmake one of the two anew", a.key,
       source_a.store.path().string(), content_text(a), source_b.store.path().string(), content_text(b));
}

}  // namespace

MergeSummary merge_stores(const std::vector<std::filesystem::path>& paths, const std::filesystem::path& out,
                          Logger& logger) {
  Sources sources = open_all(paths);
  NewStore merged(out, sources.front()->store.options());
  std::int64_t num_rows = 0, num_read = 0;
  for (const auto& source : sources) num_rows += source->store.size();
  Progress progress(logger, "merge", num_rows, "rows");
  MergeSummary summary;
  const auto later = [](const Source* a, const Source* b) { return a->row->key > b->row->key; };
  std::priority_queue<Source*, std::vector<Source*>, decltype(later)> next(later);
  const auto push = [&](Source* source) {
    if (source->row) next.push(source);
  };
  for (const auto& source : sources) push(source.get());
  while (!next.empty()) {
    Source* source = next.top();
    next.pop();
    ProposalRecord row = *std::exchange(source->row, source->cursor.next());
    progress.update(++num_read);
    while (!next.empty() && next.top()->row->key == row.key) {
      Source* other = next.top();
      next.pop();
      check_equal(row, *source, *other->row, *other);
      ++summary.num_repeated;
      other->row = other->cursor.next();
      progress.update(++num_read);
      push(other);
    }
    push(source);
    merged.add(std::move(row));
  }
  merged.commit();
  progress.finish();
  summary.num_images = merged.num_rows();
  summary.num_bad = merged.num_bad();
  summary.num_boxes = merged.num_boxes();
  return summary;
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/proposals/new_store.h"

#include <unistd.h>

#include <system_error>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/signals.h"

namespace soco {
namespace {

constexpr std::size_t kBatch = 200;

void remove_store(const std::filesystem::path& path) {
  for (const char* suffix : {"", "-wal", "-journal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::remove(path.string() + suffix, ignored);
  }
}

void check_absent(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) fail("{}: the file exists; a new store needs a new name", path.string());
}

}  // namespace

NewStore::NewStore(std::filesystem::path path, const std::string& options)
    : path_(std::move(path)),
      temporary_path_(path_.parent_path() / fmt::format(".{}.tmp.{}", path_.filename().string(), ::getpid())) {
  check_absent(path_);
  remove_store(temporary_path_);  // of a process of the same number that was killed
  store_ = ProposalStore::create_or_open(temporary_path_, options);
}

NewStore::~NewStore() {
  store_.reset();
  remove_store(temporary_path_);
}

void NewStore::add(ProposalRecord record) {
  if (stop_requested()) {
    throw Error(ErrorKind::kInterrupted, fmt::format("{}: stopped by a signal; nothing was kept", path_.string()));
  }
  ++num_rows_;
  num_boxes_ += static_cast<std::int64_t>(record.proposals.boxes.size());
  num_bad_ += record.error.empty() ? 0 : 1;
  batch_.push_back(std::move(record));
  if (batch_.size() >= kBatch) flush();
}

void NewStore::flush() {
  if (!batch_.empty()) store_->put(batch_);
  batch_.clear();
}

void NewStore::commit() {
  flush();
  store_.reset();  // closed: one file
  check_absent(path_);
  put_into_place(temporary_path_, path_);
}

}  // namespace soco

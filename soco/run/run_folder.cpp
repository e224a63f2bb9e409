// SPDX-License-Identifier: MIT
#include "soco/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/host.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

// Only what a run itself writes is removed by an overwrite; a stranger's files beside it stay.
constexpr const char* kRunContent[] = {"config.toml",      "sources.json",   "proposals.db",  "proposals.db-wal",
                                       "proposals.db-shm", "train.log",      "metrics.jsonl", "checkpoints",
                                       "exported",         "nonfinite",      "views.png",     "best.safetensors",
                                       "validation.json",  "load_report.txt"};

void remove_run_content(const fs::path& path) {
  for (const char* name : kRunContent) fs::remove_all(path / name);
  for (const auto& entry : fs::directory_iterator(path))
    for (const char* prefix : {"events.out.tfevents.", "train.log."})
      if (entry.path().filename().string().starts_with(prefix)) fs::remove(entry.path());
}

bool in_use(const fs::path& path) {
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.path().filename() != ".lock") return true;
  return false;
}

}  // namespace

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  const fs::path lock_file = path_ / ".lock";
  lock_ = ::open(lock_file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (lock_ < 0) fail("{}: cannot write in the run folder: {}", path_.string(), std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int error_number = errno;
    char holder[64] = {};
    if (::pread(lock_, holder, sizeof holder - 1, 0) < 0) holder[0] = '\0';
    ::close(std::exchange(lock_, -1));
    if (error_number != EWOULDBLOCK)
      fail("{}: cannot be locked against a second process: {}; choose an --out on a file system that has locks",
           path_.string(), errno_text(error_number));
    fail("{}: another process ({}) is writing in this run folder; wait for it or choose another --out", path_.string(),
         holder[0] != '\0' ? holder : "unknown");
  }
  const std::string holder = fmt::format("pid {} on {}", ::getpid(), host_name().substr(0, 32));
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, holder.data(), holder.size(), 0) < 0)
    fail("{}: cannot write: {}", lock_file.string(), std::strerror(errno));
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

RunFolder RunFolder::create(const fs::path& path, ExistingRun existing) {
  if (fs::exists(path) && !fs::is_directory(path)) fail_usage("--out {}: is a file; name a folder", path.string());
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail("--out {}: cannot make the folder: {}", path.string(), error.message());
  if (existing == ExistingRun::kRefuse && in_use(path))
    fail_usage(
        "--out {}: is not empty; continue it with 'soco resume {}', start over with --overwrite, or choose another "
        "folder",
        path.string(), path.string());
  RunFolder folder(path);
  if (existing == ExistingRun::kOverwrite) remove_run_content(path);
  fs::create_directories(folder.checkpoints());
  return folder;
}

RunFolder RunFolder::open(const fs::path& path) {
  if (!is_run_folder(path))
    fail_usage(
        "{}: is not a run folder (no config.toml and checkpoints/ in it); start one with 'soco pretrain' or 'soco "
        "finetune --out {}'",
        path.string(), path.string());
  return RunFolder(path);
}

bool is_run_folder(const fs::path& path) {
  return fs::is_regular_file(path / "config.toml") && fs::is_directory(path / "checkpoints");
}

}  // namespace soco

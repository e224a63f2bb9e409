// SPDX-License-Identifier: MIT
#include "soco/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"

namespace soco {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxKeptName = 200;  // of a file system's 255, so that the temporary name fits too

// The final path with links followed, so that the rename replaces the file and not the link.
std::filesystem::path follow_links(std::filesystem::path path) {
  if (path.filename().empty()) fail("cannot write {}: it names no file", path.string());
  for (int depth = 0; depth < 40; ++depth) {  // 40: as many as the system itself follows
    std::error_code error;
    if (!std::filesystem::is_symlink(path, error)) return path;
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  fail("cannot write {}: its symbolic links cannot be followed", path.string());
}

std::filesystem::path temporary_path_for(const std::filesystem::path& final_path) {
  static std::atomic<std::uint64_t> counter{0};
  const std::string kept = final_path.filename().string().substr(0, kMaxKeptName);
  const std::string name = fmt::format(".{}.tmp.{}.{}", kept, ::getpid(), counter.fetch_add(1));
  return final_path.parent_path() / name;
}

int retry_fsync(int descriptor) {
  int result = 0;
  do {
    result = ::fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  return result;
}

// Makes the rename itself survive a power cut. Some file systems cannot sync a folder (EINVAL): they need no sync.
void sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder one may write to but not list: nothing can be synced
  const int error_number = retry_fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error_number != 0 && error_number != EINVAL && error_number != ENOTSUP && error_number != EROFS) {
    fail("cannot sync the folder {}: {}", folder.string(), errno_text(error_number));
  }
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path final_path) : final_path_(follow_links(std::move(final_path))) {
  temporary_path_ = temporary_path_for(final_path_);
  descriptor_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const int error_number = errno;
    const std::filesystem::path folder = final_path_.has_parent_path() ? final_path_.parent_path() : ".";
    fail("cannot create a file in the folder {} (for {}): {}", folder.string(), final_path_.string(),
         errno_text(error_number));
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_path_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  SOCO_ASSERT(!committed_ && descriptor_ >= 0);
  num_bytes_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_through(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::write(std::string_view text) { write(bytes_of(text)); }

void AtomicFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void AtomicFile::write_through(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_with("cannot write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void AtomicFile::commit() {
  SOCO_ASSERT(!committed_ && descriptor_ >= 0);
  flush();
  if (retry_fsync(descriptor_) != 0) fail_with("cannot sync", errno);
  // Network file systems report what they could not store at close at the latest.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail_with("cannot close", errno);
  if (::rename(temporary_path_.c_str(), final_path_.c_str()) != 0) fail_with("cannot put into place", errno);
  committed_ = true;
  sync_folder_of(final_path_);
}

void AtomicFile::fail_with(const char* what, int error_number) {
  if (error_number == ENOSPC || error_number == EDQUOT) {
    const std::uint64_t free = free_bytes(temporary_path_);
    fail(
        "{} {}: the disk is full or the quota is reached: at least {} ({} bytes) are needed for it, {} ({} bytes) are "
        "free beside what is written; free some space or choose another folder",
        what, final_path_.string(), format_bytes(num_bytes_), num_bytes_, format_bytes(free), free);
  }
  fail("{} {}: {}", what, final_path_.string(), errno_text(error_number));
}

void write_file_atomic(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file_atomic(const std::filesystem::path& path, std::string_view bytes) {
  write_file_atomic(path, bytes_of(bytes));
}

void put_into_place(const std::filesystem::path& temporary, const std::filesystem::path& final_path) {
  const int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("cannot open {}: {}", temporary.string(), errno_text(errno));
  const int error_number = retry_fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error_number != 0) fail("cannot sync {}: {}", temporary.string(), errno_text(error_number));
  if (::rename(temporary.c_str(), final_path.c_str()) != 0) {
    fail("cannot put {} into place: {}", final_path.string(), errno_text(errno));
  }
  sync_folder_of(final_path);
}

}  // namespace soco

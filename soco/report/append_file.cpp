// SPDX-License-Identifier: MIT
#include "soco/report/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"

namespace soco {

AppendFile::AppendFile(std::filesystem::path path, Mode mode) : path_(std::move(path)) {
  const int exclusive = mode == Mode::kNew ? O_EXCL : 0;
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | exclusive, 0644);
  if (descriptor_ < 0) {
    const int reason = errno;
    fail("{}: cannot be opened for writing: {}", path_.string(), errno_text(reason));
  }
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void AppendFile::append(std::string_view bytes) {
  SOCO_ASSERT(descriptor_ >= 0);
  struct stat before {};
  const bool size_known = ::fstat(descriptor_, &before) == 0 && S_ISREG(before.st_mode);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count < 0 && errno != EINTR) {
      const int reason = errno;
      const bool taken_back = size_known && ::ftruncate(descriptor_, before.st_size) == 0;
      fail("{}: {} bytes cannot be added: {}; {} bytes are free{}", path_.string(), bytes.size(), errno_text(reason),
           free_bytes(path_), taken_back || done == 0 ? "" : "; the file ends with a torn record");
    }
  }
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "soco/base/error.h"
#include "soco/base/format.h"

namespace soco {
namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

// Checks what the open descriptor is, not the path, which may be replaced in between. Returns the size in bytes.
std::uint64_t check_regular(int descriptor, const std::filesystem::path& path, std::uint64_t max_bytes) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail("cannot read {}: {}", path.string(), errno_text(errno));
  if (S_ISDIR(status.st_mode)) fail("cannot read {}: it is a folder, but a file is expected", path.string());
  if (!S_ISREG(status.st_mode)) fail("cannot read {}: it is not a regular file", path.string());
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes) {
    fail("{} has {} ({} bytes), but at most {} are read", path.string(), format_bytes(size), size,
         format_bytes(max_bytes));
  }
  return size;
}

// Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
int open_for_reading(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("cannot open {}: {}", path.string(), errno_text(errno));
  return descriptor;
}

// Fills `buffer` (any contiguous container of bytes) from `offset` on.
template <class Buffer>
void read_fully(int descriptor, std::uint64_t offset, Buffer& buffer, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got = ::pread(descriptor, buffer.data() + done, buffer.size() - done,
                                static_cast<off_t>(offset + static_cast<std::uint64_t>(done)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read {}: {}", path.string(), errno_text(errno));
    if (got == 0) fail("{} shrank to {} bytes while it was read", path.string(), offset + done);
    done += static_cast<std::size_t>(got);
  }
}

template <class Buffer>
Buffer read_whole(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file{open_for_reading(path)};
  Buffer buffer;
  buffer.resize(static_cast<std::size_t>(check_regular(file.value, path, max_bytes)));
  read_fully(file.value, 0, buffer, path);
  return buffer;
}

// The nearest existing folder above the path.
std::filesystem::path existing_folder_of(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::absolute(path, ignored);
  while (!std::filesystem::exists(folder, ignored) && folder != folder.parent_path()) folder = folder.parent_path();
  return folder;
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return read_whole<std::vector<std::byte>>(path, max_bytes);
}

std::vector<std::byte> read_file_range(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t size) {
  const Descriptor file{open_for_reading(path)};
  const std::uint64_t file_size = check_regular(file.value, path, UINT64_MAX);
  if (offset > file_size || size > file_size - offset)
    fail("{}: {} bytes at {} lie outside the file of {}: truncated or changed", path.string(), size, offset, file_size);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  read_fully(file.value, offset, bytes, path);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return read_whole<std::string>(path, max_bytes);
}

std::uint64_t free_bytes(const std::filesystem::path& path) {
  struct statvfs status {};
  if (::statvfs(existing_folder_of(path).c_str(), &status) != 0)
    fail("cannot ask for the free space at {}: {}", path.string(), errno_text(errno));
  return static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_frsize);
}

bool is_on_network(const std::filesystem::path& path) {
  // Magic numbers of linux/magic.h and of the file systems' own sources: NFS, SMB, CIFS, SMB2, Lustre, GPFS, Ceph, AFS,
  // BeeGFS, 9p, FUSE (of which some are local; they only lose readers during writing).
  constexpr std::array<std::uint32_t, 11> kShared{0x6969,     0x517B,     0xFF534D42, 0xFE534D42,
                                                  0x0BD00BD0, 0x47504653, 0x00C36400, 0x5346414F,
                                                  0x19830326, 0x01021997, 0x65735546};
  struct statfs status {};
  if (::statfs(existing_folder_of(path).c_str(), &status) != 0) return false;
  return std::find(kShared.begin(), kShared.end(), static_cast<std::uint32_t>(status.f_type)) != kShared.end();
}

}  // namespace soco

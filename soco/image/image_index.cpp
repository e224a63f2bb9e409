// SPDX-License-Identifier: MIT
#include "soco/image/image_index.h"

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>

#include "soco/base/atomic_file.h"
#include "soco/base/bytes.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/image/byte_stream.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMagic = "soco image index 2\n";
constexpr std::uint64_t kMaxIndexBytes = 1ull << 36;  // half a billion images
constexpr std::int64_t kSettledNs = 2'000'000'000;    // FAT's clock ticks every two seconds

std::string checksum(std::string_view bytes) { return hash128(bytes_of(bytes)).hex(); }

/// One name for the source, whatever the working folder.
std::string absolute_name(const std::string& source) { return fs::absolute(source).lexically_normal().native(); }

bool settled(const std::vector<FileState>& seen) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  for (const FileState& state : seen) {
    if (state.changed_ns > now_ns - kSettledNs) return false;
  }
  return true;
}

}  // namespace

FileState file_state(const fs::path& path) {
  FileState state{.path = path.native()};
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return state;
  state.device = info.st_dev;
  state.inode = info.st_ino;
  state.size = static_cast<std::uint64_t>(info.st_size);
  state.changed_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  return state;
}

fs::path default_index_folder() {
  if (const char* folder = std::getenv("SOCO_INDEX_DIR")) return folder;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "soco" / "index";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache" / "soco" / "index";
  return {};
}

fs::path index_path(const fs::path& folder, const std::string& source) {
  return folder / (checksum(absolute_name(source)) + ".index");
}

bool keep_listing(const fs::path& file, const std::string& source, const SourceListing& listing) {
  if (listing.images.size() < kMinKeptImages || !settled(listing.seen)) return false;
  ByteWriter writer;
  writer.text(absolute_name(source));
  writer.number(listing.seen.size());
  for (const FileState& state : listing.seen) {
    writer.text(state.path);
    for (const std::uint64_t value : {state.device, state.inode, state.size}) writer.number(value);
    writer.number(static_cast<std::uint64_t>(state.changed_ns));
  }
  const std::string head = writer.take(), images = listing.images.to_bytes();
  fs::create_directories(file.parent_path());
  AtomicFile out(file);
  out.write(kMagic);
  out.write(checksum(head));
  out.write(checksum(images));
  ByteWriter size;
  size.number(head.size());
  out.write(size.take());
  out.write(head);
  out.write(images);
  out.commit();
  return true;
}

std::optional<ImageList> kept_listing(const fs::path& file, const std::string& source) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  const std::string bytes = read_text_file(file, kMaxIndexBytes);
  const std::size_t hash_size = checksum("").size();
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + 2 * hash_size)
    fail("{}: not an image index of this version", file.string());
  ByteReader reader(std::string_view(bytes).substr(kMagic.size() + 2 * hash_size));
  const std::string_view head = reader.text(), images = reader.rest();
  const std::string_view hashes = std::string_view(bytes).substr(kMagic.size(), 2 * hash_size);
  if (hashes != checksum(head) + checksum(images)) fail("{}: damaged: its checksum differs", file.string());
  ByteReader fields(head);
  if (fields.text() != absolute_name(source)) return std::nullopt;
  const std::uint64_t num_seen = fields.number();
  for (std::uint64_t i = 0; i < num_seen; ++i) {
    FileState state{.path = std::string(fields.text())};
    for (std::uint64_t* value : {&state.device, &state.inode, &state.size}) *value = fields.number();
    state.changed_ns = static_cast<std::int64_t>(fields.number());
    if (file_state(state.path) != state) return std::nullopt;
  }
  fields.finish();
  return ImageList::from_bytes(images);
}

}  // namespace soco

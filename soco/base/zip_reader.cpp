// SPDX-License-Identifier: MIT
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/base/zip_archive.h"
#include "soco/base/zip_format.h"

namespace soco {

using namespace zip_format;  // NOLINT(google-build-using-namespace): the numbers of the format, one header

namespace {

// The directory is read in blocks, so that memory goes to its records alone; an entry's three texts fit into one.
constexpr std::uint64_t kDirectoryBlockBytes = 1 << 20;
constexpr std::uint64_t kMaxEntryBytes = kDirectoryEntrySize + 3 * kMax16;

/// Reads little-endian fields one after the other; running out of bytes is an error.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, const std::string& file_name) : bytes_(bytes), file_name_(file_name) {}

  std::uint64_t number(std::size_t num_bytes) {
    std::uint64_t value = 0;
    const auto part = take(num_bytes);
    for (std::size_t i = 0; i < num_bytes; ++i) value |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    return value;
  }
  void skip(std::size_t num_bytes) { take(num_bytes); }
  std::span<const std::byte> take(std::size_t num_bytes) {
    if (num_bytes > bytes_.size()) fail("{}: zip directory is cut short", file_name_);
    const auto part = bytes_.first(num_bytes);
    bytes_ = bytes_.subspan(num_bytes);
    return part;
  }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  const std::string& file_name_;
};

struct DirectoryEntry {
  std::string name;
  std::uint64_t flags = 0, method = 0, crc = 0, compressed = 0, size = 0, disk = 0, offset = 0;
};

/// Takes the 64-bit values for those 32-bit fields that are all ones (APPNOTE 4.5.3).
void apply_zip64(std::span<const std::byte> extra, DirectoryEntry& entry, const std::string& file_name) {
  Fields fields(extra, file_name);
  while (!fields.empty()) {
    const std::uint64_t id = fields.number(2);
    Fields field(fields.take(fields.number(2)), file_name);
    if (id != kExtraZip64) continue;
    if (entry.size == kMax32) entry.size = field.number(8);
    if (entry.compressed == kMax32) entry.compressed = field.number(8);
    if (entry.offset == kMax32) entry.offset = field.number(8);
    return;
  }
}

DirectoryEntry read_directory_entry(Fields& fields, const std::string& file_name) {
  if (fields.number(4) != kDirectorySignature) fail("{}: zip directory is damaged", file_name);
  DirectoryEntry entry;
  fields.skip(2 + 2);  // versions
  entry.flags = fields.number(2);
  entry.method = fields.number(2);
  fields.skip(2 + 2);  // time, date
  entry.crc = fields.number(4);
  entry.compressed = fields.number(4);
  entry.size = fields.number(4);
  const std::uint64_t name_size = fields.number(2);
  const std::uint64_t extra_size = fields.number(2);
  const std::uint64_t comment_size = fields.number(2);
  entry.disk = fields.number(2);
  fields.skip(2 + 4);  // attributes
  entry.offset = fields.number(4);
  entry.name = text_of(fields.take(name_size));
  apply_zip64(fields.take(extra_size), entry, file_name);
  fields.skip(comment_size);
  return entry;
}

void check_supported(const DirectoryEntry& entry, ZipContents contents, const std::string& file_name) {
  const std::string name = printable(entry.name);
  if ((entry.flags & kFlagEncrypted) != 0) fail("{}: record '{}' is encrypted", file_name, name);
  if (entry.disk != 0) fail("{}: archives of several parts are not supported", file_name);
  if (entry.method == kMethodStored && entry.compressed == entry.size) return;
  if (contents == ZipContents::kStored)
    fail("{}: record '{}' is compressed; PyTorch stores its records plainly", file_name, name);
  if (entry.method != kMethodDeflated)
    fail("{}: record '{}' is compressed by method {}; only stored and deflated records are read", file_name, name,
         entry.method);
}

void check_checksum(std::span<const std::byte> content, std::uint32_t expected, const std::string& name) {
  const auto crc =
      static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  if (crc != expected) fail("{} is damaged: its checksum differs", name);
}

/// Raw deflate data into exactly `to.size()` bytes; false when it is damaged, or gives fewer or more.
bool inflate_into(std::span<const std::byte> packed, std::span<std::byte> to) {
  constexpr std::uint64_t kMaxStep = 1u << 30;  // zlib counts in 32 bits
  if (packed.size() > kMaxStep || to.size() > kMaxStep) return false;
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(to.size());
  const int code = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return code == Z_STREAM_END && stream.avail_out == 0;
}

}  // namespace

ZipReader::ZipReader(const std::filesystem::path& path, ZipContents contents)
    : file_name_(path.string()), contents_(contents) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) fail("{}: no such file, or not a regular one", file_name_);
  file_size_ = std::filesystem::file_size(path);
  stream_.open(path, std::ios::binary);
  if (!stream_) fail("{}: cannot be opened for reading", file_name_);
  read_entries(find_directory());
}

void ZipReader::read_at(std::uint64_t offset, std::uint64_t size, std::vector<std::byte>& bytes) {
  if (offset > file_size_ || size > file_size_ - offset)
    fail("{}: {} bytes at {} lie outside the file of {}: truncated or damaged", file_name_, size, offset, file_size_);
  bytes.resize(size);
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(offset));
  stream_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uint64_t>(stream_.gcount()) != size) fail("{}: reading failed at byte {}", file_name_, offset);
}

std::vector<std::byte> ZipReader::read_at(std::uint64_t offset, std::uint64_t size) {
  std::vector<std::byte> bytes;
  read_at(offset, size, bytes);
  return bytes;
}

/// PyTorch's files have no comment, so there the end record is the last 22 bytes: no search, no second reading of a
/// file. Elsewhere it is the last one whose comment ends with the file.
std::uint64_t ZipReader::find_end_record() {
  if (file_size_ < kEndSize) fail("{}: {} bytes are too few for a zip archive", file_name_, file_size_);
  if (contents_ == ZipContents::kStored) return file_size_ - kEndSize;
  const std::uint64_t tail_size = std::min(file_size_, kEndSize + kMaxCommentSize);
  const auto tail = read_at(file_size_ - tail_size, tail_size);
  for (std::uint64_t comment = 0; comment + kEndSize <= tail_size; ++comment) {
    Fields fields(std::span<const std::byte>(tail).subspan(tail_size - kEndSize - comment), file_name_);
    if (fields.number(4) != kEndSignature) continue;
    fields.skip(kEndSize - 4 - 2);
    if (fields.number(2) == comment) return file_size_ - kEndSize - comment;
  }
  fail("{}: no zip directory at the end: truncated or damaged, or no zip archive", file_name_);
}

ZipReader::Directory ZipReader::find_directory() {
  const std::uint64_t end_offset = find_end_record();
  const auto bytes = read_at(end_offset, kEndSize);
  Fields fields(bytes, file_name_);
  if (fields.number(4) != kEndSignature) fail("{}: no zip directory at the end: truncated or damaged", file_name_);
  const std::uint64_t disks = fields.number(4);
  fields.skip(2);
  Directory directory;
  directory.num_entries = fields.number(2);
  directory.size = fields.number(4);
  directory.offset = fields.number(4);
  const std::uint64_t comment = fields.number(2);
  if (disks != 0 && disks != kMax32) fail("{}: archives of several parts are not supported", file_name_);
  if (comment != 0 && contents_ == ZipContents::kStored)
    fail("{}: zip archive with a comment: not written by PyTorch", file_name_);
  if (directory.num_entries == kMax16 || directory.size == kMax32 || directory.offset == kMax32 ||
      has_zip64(end_offset))
    return read_zip64_directory(end_offset, directory);
  if (directory.size > end_offset || directory.offset != end_offset - directory.size)
    fail("{}: zip directory does not end where its size says: damaged", file_name_);
  return directory;
}

/// PyTorch's writer adds the zip64 records whatever the size.
bool ZipReader::has_zip64(std::uint64_t end_offset) {
  if (end_offset < kZip64LocatorSize) return false;
  const auto bytes = read_at(end_offset - kZip64LocatorSize, 4);
  return Fields(bytes, file_name_).number(4) == kZip64LocatorSignature;
}

/// `small`: the same numbers in the 32-bit record, where they fit; a second opinion would be a file of two readings.
ZipReader::Directory ZipReader::read_zip64_directory(std::uint64_t end_offset, const Directory& small) {
  if (end_offset < kZip64LocatorSize + kZip64EndSize) fail("{}: zip64 record is missing", file_name_);
  const std::uint64_t record_offset = end_offset - kZip64LocatorSize - kZip64EndSize;
  const auto bytes = read_at(record_offset, kZip64EndSize + kZip64LocatorSize);
  Fields fields(bytes, file_name_);
  if (fields.number(4) != kZip64EndSignature) fail("{}: zip64 record is missing or damaged", file_name_);
  fields.skip(8 + 2 + 2 + 4 + 4 + 8);
  Directory directory;
  directory.num_entries = fields.number(8);
  directory.size = fields.number(8);
  directory.offset = fields.number(8);
  const bool located =
      fields.number(4) == kZip64LocatorSignature && fields.number(4) == 0 && fields.number(8) == record_offset;
  if (!located || directory.size > record_offset || directory.offset != record_offset - directory.size)
    fail("{}: zip64 directory does not lie where its records say: damaged", file_name_);
  const bool agrees = (small.num_entries == kMax16 || small.num_entries == directory.num_entries) &&
                      (small.size == kMax32 || small.size == directory.size) &&
                      (small.offset == kMax32 || small.offset == directory.offset);
  if (!agrees) fail("{}: its two zip directories disagree: damaged", file_name_);
  return directory;
}

/// Makes the block hold a whole entry, or all that is left.
void ZipReader::read_on(const Directory& directory, DirectoryBlock& block) {
  const std::uint64_t end = directory.offset + directory.size;
  if (block.unread >= kMaxEntryBytes || block.end == end) return;
  const std::uint64_t begin = block.end - block.unread;
  read_at(begin, std::min(kDirectoryBlockBytes, end - begin), block.bytes);
  block.unread = block.bytes.size();
  block.end = begin + block.unread;
}

void ZipReader::read_entries(const Directory& directory) {
  if (directory.num_entries > directory.size / kDirectoryEntrySize)
    fail("{}: zip directory of {} bytes cannot hold {} records", file_name_, directory.size, directory.num_entries);
  DirectoryBlock block{.bytes = {}, .end = directory.offset};
  std::vector<std::uint64_t> header_offsets;
  for (std::uint64_t i = 0; i < directory.num_entries; ++i) {
    read_on(directory, block);
    Fields fields(std::span<const std::byte>(block.bytes).last(block.unread), file_name_);
    const DirectoryEntry found = read_directory_entry(fields, file_name_);
    block.unread = fields.size();
    check_supported(found, contents_, file_name_);
    Entry entry{.name = found.name,
                .size = found.size,
                .packed_size = found.compressed,
                .crc = static_cast<std::uint32_t>(found.crc),
                .deflated = found.method == kMethodDeflated};
    if (!index_.emplace(entry.name, entries_.size()).second)
      fail("{}: record '{}' occurs twice", file_name_, printable(entry.name));
    entry.data_offset = check_local_header(entry, found.offset);
    entries_.push_back(std::move(entry));
    header_offsets.push_back(found.offset);
  }
  if (block.unread > 0 || block.end < directory.offset + directory.size)
    fail("{}: zip directory holds more than its {} records", file_name_, directory.num_entries);
  check_overlap(directory, header_offsets);
}

/// Gives the offset of the data. Local sizes may be zero (sizes then follow the data); the directory's are the ones
/// used.
std::uint64_t ZipReader::check_local_header(const Entry& entry, std::uint64_t offset) {
  const auto bytes = read_at(offset, kLocalHeaderSize);
  Fields fields(bytes, file_name_);
  const bool signature = fields.number(4) == kLocalSignature;
  fields.skip(2 + 2);
  const std::uint64_t method = fields.number(2);
  fields.skip(2 + 2 + 4 + 4 + 4);
  const std::uint64_t name_size = fields.number(2);
  const std::uint64_t extra_size = fields.number(2);
  const bool matches = signature && method == (entry.deflated ? kMethodDeflated : kMethodStored) &&
                       name_size == entry.name.size() &&
                       text_of(read_at(offset + kLocalHeaderSize, name_size)) == entry.name;
  if (!matches) fail("{}: record '{}' does not start where the directory says", file_name_, printable(entry.name));
  return offset + kLocalHeaderSize + name_size + extra_size;
}

void ZipReader::check_overlap(const Directory& directory, const std::vector<std::uint64_t>& header_offsets) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (entry.data_offset > directory.offset || entry.packed_size > directory.offset - entry.data_offset)
      fail("{}: record '{}' of {} bytes does not fit into the file", file_name_, printable(entry.name),
           entry.packed_size);
    ranges.emplace_back(header_offsets[i], entry.data_offset + entry.packed_size);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].second) fail("{}: two records share bytes of the file", file_name_);
}

const ZipReader::Entry* ZipReader::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void ZipReader::read(const Entry& entry, std::span<std::byte> to) {
  SOCO_ASSERT(to.size() == entry.size && !entry.deflated);
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(entry.data_offset));
  stream_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (static_cast<std::uint64_t>(stream_.gcount()) != to.size())
    fail("{}: reading record '{}' failed", file_name_, printable(entry.name));
  check_checksum(to, entry.crc, fmt::format("{}: record '{}'", file_name_, printable(entry.name)));
}

std::vector<std::byte> unpack_zip_record(std::vector<std::byte> packed, const ZipReader::Entry& entry,
                                         const std::string& name) {
  SOCO_ASSERT(packed.size() == entry.packed_size);
  std::vector<std::byte> content = std::move(packed);
  if (entry.deflated) {
    std::vector<std::byte> unpacked(entry.size);
    if (!inflate_into(content, unpacked)) fail("{} is damaged: it does not unpack to its {} bytes", name, entry.size);
    content = std::move(unpacked);
  }
  check_checksum(content, entry.crc, name);
  return content;
}

}  // namespace soco

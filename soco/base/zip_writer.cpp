// SPDX-License-Identifier: MIT
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "soco/base/error.h"
#include "soco/base/zip_archive.h"
#include "soco/base/zip_format.h"

namespace soco {

using namespace zip_format;  // NOLINT(google-build-using-namespace): the numbers of the format, one header

namespace {

/// Little-endian, at most 8 bytes.
void put(std::string& out, std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

/// Version, flags, method, time and date: the run of fields that both kinds of header share.
void put_common(std::string& out, bool zip64) {
  put(out, zip64 ? kVersionZip64 : kVersionPlain, 2);
  put(out, kFlagUtf8, 2);
  put(out, kMethodStored, 2);
  put(out, 0, 2);  // time: none, so that equal weights give equal files
  put(out, kNoDate, 2);
}

}  // namespace

ZipWriter::ZipWriter(const std::filesystem::path& path, Zip64 zip64) : file_(path), zip64_(zip64) {}

std::string ZipWriter::local_header(const Entry& entry) const {
  const bool zip64 = needs_zip64(entry.size);
  std::string extra;
  if (zip64) {
    put(extra, kExtraZip64, 2);
    put(extra, 16, 2);
    put(extra, entry.size, 8);
    put(extra, entry.size, 8);
  }
  // A filler field of the id that PyTorch uses moves the data to the boundary; it takes 4 bytes at least.
  const std::uint64_t unpadded = entry.offset + kLocalHeaderSize + entry.name.size() + extra.size() + 4;
  const std::uint64_t padding = (kDataAlignment - unpadded % kDataAlignment) % kDataAlignment;
  put(extra, kExtraPadding, 2);
  put(extra, padding, 2);
  extra.append(padding, 'Z');

  std::string out;
  put(out, kLocalSignature, 4);
  put_common(out, zip64);
  put(out, entry.crc, 4);
  put(out, zip64 ? kMax32 : entry.size, 4);
  put(out, zip64 ? kMax32 : entry.size, 4);
  put(out, entry.name.size(), 2);
  put(out, extra.size(), 2);
  return out + entry.name + extra;
}

std::string ZipWriter::directory_entry(const Entry& entry) const {
  const bool large_size = needs_zip64(entry.size);
  const bool large_offset = needs_zip64(entry.offset);
  std::string fields;
  if (large_size) {
    put(fields, entry.size, 8);
    put(fields, entry.size, 8);
  }
  if (large_offset) put(fields, entry.offset, 8);
  std::string extra;
  if (!fields.empty()) {
    put(extra, kExtraZip64, 2);
    put(extra, fields.size(), 2);
    extra += fields;
  }
  std::string out;
  put(out, kDirectorySignature, 4);
  put(out, kVersionZip64, 2);  // made by
  put_common(out, large_size || large_offset);
  put(out, entry.crc, 4);
  put(out, large_size ? kMax32 : entry.size, 4);
  put(out, large_size ? kMax32 : entry.size, 4);
  put(out, entry.name.size(), 2);
  put(out, extra.size(), 2);
  put(out, 0, 2 + 2);  // no comment, disk 0
  put(out, 0, 2 + 4);  // no attributes
  put(out, large_offset ? kMax32 : entry.offset, 4);
  return out + entry.name + extra;
}

std::string ZipWriter::end_of_directory(std::uint64_t directory_offset, std::uint64_t directory_size) const {
  const std::uint64_t count = entries_.size();
  const bool zip64 = needs_zip64(directory_offset) || needs_zip64(directory_size) || count >= kMax16;
  std::string out;
  if (zip64) {
    put(out, kZip64EndSignature, 4);
    put(out, kZip64EndSize - 12, 8);
    put(out, kVersionZip64, 2);
    put(out, kVersionZip64, 2);
    put(out, 0, 4 + 4);  // disk numbers
    put(out, count, 8);
    put(out, count, 8);
    put(out, directory_size, 8);
    put(out, directory_offset, 8);
    put(out, kZip64LocatorSignature, 4);
    put(out, 0, 4);
    put(out, directory_offset + directory_size, 8);
    put(out, 1, 4);
  }
  put(out, kEndSignature, 4);
  put(out, 0, 2 + 2);
  put(out, zip64 ? kMax16 : count, 2);
  put(out, zip64 ? kMax16 : count, 2);
  put(out, zip64 ? kMax32 : directory_size, 4);
  put(out, zip64 ? kMax32 : directory_offset, 4);
  put(out, 0, 2);
  return out;
}

void ZipWriter::add(const std::string& name, std::span<const std::byte> data) {
  if (name.size() > std::numeric_limits<std::uint16_t>::max())
    fail("zip record name of {} bytes is too long", name.size());
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
  entries_.push_back({name, file_.num_bytes(), data.size(), crc});
  file_.write(local_header(entries_.back()));
  file_.write(data);
}

void ZipWriter::finish() {
  const std::uint64_t offset = file_.num_bytes();
  for (const Entry& entry : entries_) file_.write(directory_entry(entry));
  file_.write(end_of_directory(offset, file_.num_bytes() - offset));
  file_.commit();
}

}  // namespace soco

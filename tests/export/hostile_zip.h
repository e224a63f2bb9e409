// SPDX-License-Identifier: MIT
#pragma once
#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "export/pickle_programs.h"

namespace soco::testing {

/// One record of a zip archive, whose headers may say something else than what is there.
struct ZipRecord {
  std::string name, data;
  std::optional<std::uint64_t> size, packed_size, crc, offset;  // as the headers say; nothing: the truth
  std::string local_name;                                       // empty: `name`
  std::uint64_t method = 0, flags = 0, disk = 0;
};

/// What the end record says; nothing: the truth.
struct ZipEnd {
  std::optional<std::uint64_t> num_records, directory_size, directory_offset;
  std::uint64_t disk = 0;
  std::string comment;
};

/// A zip archive put together field by field (PKWARE APPNOTE 4.3), so that any of them can lie.
inline std::string zip_file(const std::vector<ZipRecord>& records, const ZipEnd& end = {}) {
  const auto common = [](const ZipRecord& record) {  // from "flags" to "uncompressed size"
    const std::uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(record.data.data()), record.data.size());
    return little_endian(record.flags, 2) + little_endian(record.method, 2) + little_endian(0, 4) +
           little_endian(record.crc.value_or(crc), 4) +
           little_endian(record.packed_size.value_or(record.data.size()), 4) +
           little_endian(record.size.value_or(record.data.size()), 4);
  };
  std::string file, directory;
  for (const ZipRecord& record : records) {
    const std::uint64_t offset = record.offset.value_or(file.size());
    directory += "PK\x01\x02" + little_endian(20, 4) + common(record) + little_endian(record.name.size(), 2) +
                 little_endian(0, 4) + little_endian(record.disk, 2) + little_endian(0, 6) + little_endian(offset, 4) +
                 record.name;
    if (record.offset) continue;  // shares another's bytes
    const std::string& local = record.local_name.empty() ? record.name : record.local_name;
    file += "PK\x03\x04" + little_endian(20, 2) + common(record) + little_endian(local.size(), 2) +
            little_endian(0, 2) + local + record.data;
  }
  const std::uint64_t directory_offset = end.directory_offset.value_or(file.size());
  const std::uint64_t num_records = end.num_records.value_or(records.size());
  return file + directory + "PK\x05\x06" + little_endian(end.disk, 4) + little_endian(num_records, 2) +
         little_endian(num_records, 2) + little_endian(end.directory_size.value_or(directory.size()), 4) +
         little_endian(directory_offset, 4) + little_endian(end.comment.size(), 2) + end.comment;
}

}  // namespace soco::testing

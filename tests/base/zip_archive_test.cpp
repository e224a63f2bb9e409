// SPDX-License-Identifier: MIT
#include "soco/base/zip_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

void write_two_records(const std::filesystem::path& path, ZipWriter::Zip64 zip64 = ZipWriter::Zip64::kWhenNeeded) {
  ZipWriter zip(path, zip64);
  zip.add("archive/one", bytes_of("hello"));
  zip.add("archive/two", bytes_of(std::string(1000, 'x')));
  zip.finish();
}

std::string text_of_record(ZipReader& zip, const char* name) {
  const auto* entry = zip.find(name);
  if (entry == nullptr) return "(missing)";
  std::string text(entry->size, '\0');
  zip.read(*entry, std::as_writable_bytes(std::span(text)));
  return text;
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Opens, reads all; the error's text or "".
std::string error_of(const std::filesystem::path& path) {
  try {
    ZipReader zip(path);
    for (const auto& entry : zip.entries()) text_of_record(zip, entry.name.c_str());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Replaces the k-th occurrence (from 0) of `from`, same length.
std::string replaced(std::string bytes, const std::string& from, const std::string& to, int k) {
  std::size_t at = bytes.find(from);
  for (; k > 0; --k) at = bytes.find(from, at + 1);
  EXPECT_NE(at, std::string::npos);
  return bytes.replace(at, from.size(), to);
}

class Zip : public ::testing::TestWithParam<ZipWriter::Zip64> {};

TEST_P(Zip, ReadsBackWhatWasWrittenAtMultiplesOf64) {
  TempDir dir;
  write_two_records(dir / "x.zip", GetParam());
  ZipReader zip(dir / "x.zip");
  ASSERT_EQ(zip.entries().size(), 2u);
  EXPECT_EQ(text_of_record(zip, "archive/one"), "hello");
  EXPECT_EQ(text_of_record(zip, "archive/two"), std::string(1000, 'x'));
  EXPECT_EQ(zip.find("archive/three"), nullptr);
  for (const auto& entry : zip.entries()) EXPECT_EQ(entry.data_offset % 64, 0u);
}

TEST_P(Zip, EveryTruncationIsFound) {
  TempDir dir;
  write_two_records(dir / "x.zip", GetParam());
  for (auto size = std::filesystem::file_size(dir / "x.zip"); size-- > 0;) {
    std::filesystem::resize_file(dir / "x.zip", size);
    EXPECT_NE(error_of(dir / "x.zip"), "") << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Zip, ::testing::Values(ZipWriter::Zip64::kWhenNeeded, ZipWriter::Zip64::kAlways));

TEST(ZipReader, DamagedDataIsFound) {
  TempDir dir;
  write_two_records(dir / "x.zip");
  write_bytes(dir / "x.zip", replaced(read_text_file(dir / "x.zip"), "hello", "hellO", 0));
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("archive/one"));
}

TEST(ZipReader, DuplicateNamesAreRefused) {
  TempDir dir;
  ZipWriter zip(dir / "x.zip");
  zip.add("a", bytes_of("1"));
  zip.add("a", bytes_of("2"));
  zip.finish();
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("occurs twice"));
}

/// One record said to be the other: the directory and the local header then differ.
TEST(ZipReader, DirectoryThatDiffersFromTheRecordsIsRefused) {
  TempDir dir;
  write_two_records(dir / "x.zip");
  write_bytes(dir / "x.zip", replaced(read_text_file(dir / "x.zip"), "archive/two", "archive/xxx", 1));
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("does not start where"));
}

TEST(ZipReader, OverlappingRecordsAreRefused) {
  TempDir dir;
  ZipWriter zip(dir / "x.zip");
  zip.add("aa", bytes_of("1"));
  zip.add("aa/", bytes_of("1"));
  zip.finish();
  std::string bytes = read_text_file(dir / "x.zip");
  ASSERT_EQ(error_of(dir / "x.zip"), "");
  const std::size_t directory = bytes.find("PK\x01\x02");
  // The first record's size grows over the second: sizes at 20 and 24 of the directory entry.
  const std::uint32_t large = 4;  // data from 64, the second record from 65
  std::memcpy(bytes.data() + directory + 20, &large, 4);
  std::memcpy(bytes.data() + directory + 24, &large, 4);
  write_bytes(dir / "x.zip", bytes);
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("share bytes"));
  const std::uint32_t huge = 0x7fffffff;
  std::memcpy(bytes.data() + directory + 20, &huge, 4);
  std::memcpy(bytes.data() + directory + 24, &huge, 4);
  write_bytes(dir / "x.zip", bytes);
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("does not fit"));
}

TEST(ZipReader, CompressedAndEncryptedRecordsAreRefused) {
  TempDir dir;
  write_two_records(dir / "x.zip");
  const std::string good = read_text_file(dir / "x.zip");
  const std::size_t directory = good.find("PK\x01\x02");
  std::string bytes = good;
  bytes[directory + 10] = 8;  // method: deflate
  write_bytes(dir / "x.zip", bytes);
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("compressed"));
  bytes = good;
  bytes[directory + 8] = 1;  // flags: encrypted
  write_bytes(dir / "x.zip", bytes);
  EXPECT_THAT(error_of(dir / "x.zip"), HasSubstr("encrypted"));
}

TEST(ZipReader, RecordCountThatLiesIsRefused) {
  TempDir dir;
  write_two_records(dir / "x.zip");
  std::string bytes = read_text_file(dir / "x.zip");
  for (const char count : {1, 3}) {
    bytes[bytes.size() - 12] = count;
    write_bytes(dir / "x.zip", bytes);
    EXPECT_NE(error_of(dir / "x.zip"), "") << int{count};
  }
}

}  // namespace
}  // namespace soco

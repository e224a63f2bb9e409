// SPDX-License-Identifier: MIT
#include "soco/report/event_writer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "soco/base/error.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class T>
T little_endian(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// The payloads of a file of records; checks both checksums by their definition.
std::vector<std::string> records_of(std::string_view bytes) {
  std::vector<std::string> payloads;
  while (bytes.size() >= 16) {
    const auto length = static_cast<std::size_t>(little_endian<std::uint64_t>(bytes));
    EXPECT_EQ(little_endian<std::uint32_t>(bytes.substr(8)), masked_crc32c(bytes.substr(0, 8)));
    EXPECT_EQ(little_endian<std::uint32_t>(bytes.substr(12 + length)), masked_crc32c(bytes.substr(12, length)));
    payloads.emplace_back(bytes.substr(12, length));
    bytes.remove_prefix(16 + length);
  }
  EXPECT_TRUE(bytes.empty());
  return payloads;
}

// One level of a protobuf message: field number -> values as raw bytes (varints as eight bytes).
std::multimap<int, std::string> fields_of(std::string_view bytes) {
  std::multimap<int, std::string> fields;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.at(0));
      bytes.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (!bytes.empty()) {
    const std::uint64_t key = varint();
    std::string value;
    if ((key & 7) == 0) {
      const std::uint64_t number = varint();
      value.assign(reinterpret_cast<const char*>(&number), 8);
    } else {
      const std::size_t size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : static_cast<std::size_t>(varint());
      value = bytes.substr(0, size);
      bytes.remove_prefix(size);
    }
    fields.emplace(static_cast<int>(key >> 3), value);
  }
  return fields;
}

std::string field(std::string_view message, int number) {
  const auto fields = fields_of(message);
  const auto found = fields.find(number);
  return found == fields.end() ? "" : found->second;
}

TEST(MaskedCrc32c, GivesTheValuesOfTensorBoard) {
  // CRC32C("123456789") is 0xe3069283 (RFC 3720's check value); rotated right by 15 and shifted it is 0xc78ab0e5.
  EXPECT_EQ(masked_crc32c("123456789"), 0xc78ab0e5U);
  EXPECT_EQ(masked_crc32c(""), 0xa282ead8U);
}

// Golden bytes: tests/oracles/report_events_oracle.py.
TEST(EncodeEvent, GivesTheBytesOfProtobuf) {
  EXPECT_EQ(hex(encode_version_event(1.5)), "09000000000000f83f1a0d627261696e2e4576656e743a32");
  EXPECT_EQ(hex(encode_scalars_event(1700000000.25, 300, {{"loss", -3.25}, {"lr", 0.1}})),
            "0900001040fc54d94110ac022a180a0b0a046c6f737315000050c00a090a026c7215cdcccc3d");
  const std::string image = "png";
  EXPECT_EQ(hex(encode_image_event(2.0, 7, "views", 2, 200, std::as_bytes(std::span(image.data(), image.size())))),
            "09000000000000004010072a170a150a057669657773220c080210c80118032203706e67");
}

TEST(EncodeRecord, FramesThePayload) {
  EXPECT_EQ(hex(encode_record(encode_version_event(1.5))),
            "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c");
  EXPECT_EQ(encode_record("").size(), 16U);
}

TEST(EncodeScalarsEvent, KeepsNotFiniteValues) {
  const std::string event =
      encode_scalars_event(0, 1, {{"a", std::numeric_limits<double>::quiet_NaN()}, {"b", -INFINITY}});
  const auto entries = fields_of(field(event, 5));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_TRUE(std::isnan(little_endian<float>(field(entries.begin()->second, 2))));
  EXPECT_EQ(little_endian<float>(field(std::next(entries.begin())->second, 2)), -INFINITY);
}

TEST(EncodeScalarsEvent, TakesLargeSteps) {
  const std::int64_t step = (std::int64_t{1} << 40) + 5;
  EXPECT_EQ(little_endian<std::int64_t>(field(encode_scalars_event(0, step, {}), 2)), step);
}

TEST(EventWriter, WritesAFileThatBeginsWithTheVersion) {
  testing::TempDir dir;
  EventWriter writer(dir.path());
  EXPECT_EQ(writer.path().filename().string().rfind("events.out.tfevents.", 0), 0U);
  const auto records = records_of(content(writer.path()));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(field(records[0], 3), "brain.Event:2");
  // Seconds since 1970, after 2024 and before 2100: the unit is right.
  EXPECT_GT(little_endian<double>(field(records[0], 1)), 1.7e9);
  EXPECT_LT(little_endian<double>(field(records[0], 1)), 4.1e9);
}

TEST(EventWriter, HandsEachRecordOverAtOnce) {
  testing::TempDir dir;
  EventWriter writer(dir.path());
  for (std::int64_t step = 1; step <= 3; ++step) {
    writer.add_scalar(step, "loss", 0.5 * static_cast<double>(step));
    const auto records = records_of(content(writer.path()));  // the writer is still open
    ASSERT_EQ(records.size(), static_cast<std::size_t>(step) + 1);
    EXPECT_EQ(little_endian<std::int64_t>(field(records.back(), 2)), step);
    const std::string entry = field(field(records.back(), 5), 1);
    EXPECT_EQ(field(entry, 1), "loss");
    EXPECT_EQ(little_endian<float>(field(entry, 2)), 0.5F * static_cast<float>(step));
  }
}

TEST(EventWriter, OpensAFileOfItsOwnEachTime) {
  testing::TempDir dir;
  EventWriter first(dir.path());
  first.add_scalar(1, "a", 1);
  const std::string before = content(first.path());
  EventWriter second(dir.path());
  second.add_scalar(2, "a", 2);
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(content(first.path()), before);
}

TEST(EventWriter, MovesItsFile) {
  testing::TempDir dir;
  EventWriter first(dir.path());
  EventWriter second = std::move(first);
  second.add_scalar(1, "a", 1);
  EXPECT_EQ(records_of(content(second.path())).size(), 2U);
}

TEST(EventWriter, NamesTheFileThatCannotBeMade) {
  try {
    EventWriter writer("/nonexistent_folder_of_a_test");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent_folder_of_a_test/events.out"), std::string::npos);
  }
}

TEST(AppendFile, NamesAFullDisk) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  AppendFile file("/dev/full", AppendFile::Mode::kExisting);
  try {
    file.append("abc");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/dev/full: 3 bytes cannot be added"), std::string::npos) << error.what();
  }
}

TEST(AppendFile, RefusesAnExistingFileAsNew) {
  testing::TempDir dir;
  std::ofstream(dir / "x") << "old";
  EXPECT_THROW(AppendFile(dir / "x", AppendFile::Mode::kNew), Error);
  AppendFile(dir / "x", AppendFile::Mode::kExisting).append("new");
  EXPECT_EQ(content(dir / "x"), "oldnew");
}

}  // namespace
}  // namespace soco

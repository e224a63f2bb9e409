// SPDX-License-Identifier: MIT
#include "soco/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

StateDict small_state() {
  StateDict state;
  state.add("b.weight", HostTensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  state.add("a.count", HostTensor::from<std::int64_t>({}, {7}));
  state.add("c.mask", HostTensor::from<std::uint8_t>({3}, {1, 0, 1}));
  state.add("d.empty", HostTensor::from<float>({0, 4}, std::vector<float>{}));
  return state;
}

/// A file from a header text and the number of zero bytes behind it.
void write_raw(const std::filesystem::path& path, const std::string& header, std::size_t data_bytes) {
  std::ofstream out(path, std::ios::binary);
  const std::uint64_t length = header.size();
  out.write(reinterpret_cast<const char*>(&length), sizeof(length));
  out << header << std::string(data_bytes, '\0');
}

std::string error_of(const std::filesystem::path& path) {
  try {
    read_safetensors(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Safetensors, ReadsBackWhatWasWrittenInOrder) {
  TempDir dir;
  write_safetensors(dir / "x.safetensors", small_state(), {{"step", "12"}, {"note", "grün \"quoted\""}});
  const SafetensorsFile file = read_safetensors(dir / "x.safetensors");
  EXPECT_EQ(file.tensors, small_state());
  EXPECT_EQ(file.metadata.at("step"), "12");
  EXPECT_EQ(file.metadata.at("note"), "grün \"quoted\"");
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_EQ(verify_safetensors(dir / "x.safetensors"), file.metadata);
}

TEST(Safetensors, AllElementTypesSurvive) {
  TempDir dir;
  StateDict state;
  for (int i = 0; i < 10; ++i) {
    const auto dtype = static_cast<DType>(i);
    std::vector<std::byte> data(3 * dtype_size(dtype), std::byte{1});
    state.add("t" + std::to_string(i), HostTensor::make(dtype, {3}, data));
  }
  write_safetensors(dir / "x.safetensors", state, {});
  EXPECT_EQ(read_safetensors(dir / "x.safetensors").tensors, state);
}

TEST(Safetensors, DataStartsAt64AndTensorsAreAlignedToTheirElements) {
  TempDir dir;
  write_safetensors(dir / "x.safetensors", small_state(), {});
  const std::string bytes = read_text_file(dir / "x.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ((sizeof(length) + length) % 64, 0u);
  // 8-byte elements first, so the count lies at 0 though it is second by name; the floats follow at 8.
  EXPECT_THAT(bytes, HasSubstr(R"("a.count":{"dtype":"I64","shape":[],"data_offsets":[0,8]})"));
  EXPECT_THAT(bytes, HasSubstr(R"("b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]})"));
  EXPECT_LT(bytes.find("b.weight"), bytes.find("a.count"));
}

TEST(Safetensors, RewritingLoadedMetadataGivesTheSameFile) {
  TempDir dir;
  write_safetensors(dir / "x.safetensors", small_state(), {{"k", "v"}});
  const SafetensorsFile file = read_safetensors(dir / "x.safetensors");
  write_safetensors(dir / "y.safetensors", file.tensors, file.metadata);
  EXPECT_EQ(read_file(dir / "x.safetensors"), read_file(dir / "y.safetensors"));
}

TEST(Safetensors, EveryFlippedBitIsFound) {
  TempDir dir;
  write_safetensors(dir / "x.safetensors", small_state(), {{"step", "12"}});
  const std::string good = read_text_file(dir / "x.safetensors");
  int num_unseen = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    std::ofstream(dir / "bad.safetensors", std::ios::binary) << bad;
    if (error_of(dir / "bad.safetensors").empty()) {
      ADD_FAILURE() << "flip at byte " << i << " of " << good.size();
      if (++num_unseen > 5) break;
    }
    EXPECT_THROW(verify_safetensors(dir / "bad.safetensors"), Error);
  }
}

TEST(Safetensors, EveryTruncationIsFound) {
  TempDir dir;
  write_safetensors(dir / "x.safetensors", small_state(), {});
  const auto size = std::filesystem::file_size(dir / "x.safetensors");
  for (auto length = size; length-- > 0;) {
    std::filesystem::resize_file(dir / "x.safetensors", length);
    EXPECT_THAT(error_of(dir / "x.safetensors"), HasSubstr("x.safetensors")) << length;
  }
}

TEST(Safetensors, TrailingBytesAreRefused) {
  TempDir dir;
  write_safetensors(dir / "x.safetensors", small_state(), {});
  std::ofstream(dir / "x.safetensors", std::ios::binary | std::ios::app) << "z";
  EXPECT_THAT(error_of(dir / "x.safetensors"), HasSubstr("behind the last tensor"));
}

struct BadHeader {
  const char* what;
  std::string header;
  std::size_t data_bytes;
  const char* message;
};

class SafetensorsBadHeader : public ::testing::TestWithParam<BadHeader> {};

TEST_P(SafetensorsBadHeader, IsRefused) {
  TempDir dir;
  write_raw(dir / "x.safetensors", GetParam().header, GetParam().data_bytes);
  EXPECT_THAT(error_of(dir / "x.safetensors"), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SafetensorsBadHeader,
    ::testing::Values(
        BadHeader{"hole", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, "belong to none"},
        BadHeader{
            "overlap",
            R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
            3, "overlaps"},
        BadHeader{
            "same_range",
            R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
            2, "overlaps"},
        BadHeader{
            "duplicate",
            R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            2, "a"},
        BadHeader{"missing_data", R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 2, "truncated"},
        BadHeader{"shape_lies", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "need 8 bytes"},
        BadHeader{"product_wraps", R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0,
                  "too large"},
        BadHeader{"shape_over_int64", R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", 1,
                  "too large"},
        BadHeader{"negative_shape", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1, "whole numbers"},
        BadHeader{"float_offset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1.0]}})", 1, "whole numbers"},
        BadHeader{"backwards", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1, "backwards"},
        BadHeader{"unknown_dtype", R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1, "F8_E4M3"},
        BadHeader{"extra_key", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}})", 1, "exactly"},
        BadHeader{"three_offsets", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})", 1, "exactly"},
        BadHeader{"metadata_number", R"({"__metadata__":{"a":1}})", 0, "strings only"},
        BadHeader{"metadata_list", R"({"__metadata__":[]})", 0, "object of strings"},
        BadHeader{"leading_space", R"( {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, "does not start"},
        BadHeader{"list", R"([])", 0, "does not start"}, BadHeader{"garbage", R"({"a":})", 0, "x.safetensors"},
        BadHeader{"deep", R"({"a":[[[[[[]]]]]]})", 0, "x.safetensors"},
        BadHeader{"one_checksum", R"({"__metadata__":{"soco.xxh3":"99aa06d3014798d86001c324468d497f"}})", 0,
                  "missing"}),
    [](const auto& info) { return std::string(info.param.what); });

TEST(Safetensors, ForeignFileWithoutChecksumLoads) {
  TempDir dir;
  write_raw(
      dir / "x.safetensors",
      R"({"b":{"dtype":"U8","shape":[],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}  )",
      2);
  const SafetensorsFile file = read_safetensors(dir / "x.safetensors");
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_EQ(file.tensors.entries()[0].first, "b");  // order of the keys, not of the data
  EXPECT_TRUE(file.metadata.empty());
}

TEST(Safetensors, HugeHeaderLengthIsRefusedBeforeMemoryIsTaken) {
  TempDir dir;
  std::ofstream(dir / "x.safetensors", std::ios::binary) << std::string(7, '\xff') + "\x7f{}";
  EXPECT_THAT(error_of(dir / "x.safetensors"), HasSubstr("not safetensors"));
}

TEST(Safetensors, ErrorsNameTheFileWhenItIsMissingOrAFolder) {
  TempDir dir;
  EXPECT_THAT(error_of(dir / "none"), HasSubstr("none: no such file"));
  EXPECT_THAT(error_of(dir.path()), HasSubstr("not a regular file"));
}

TEST(Safetensors, ReservedNameAndBrokenTextAreRefusedOnWriting) {
  TempDir dir;
  StateDict reserved;
  reserved.add("__metadata__", HostTensor::from<float>({}, {1}));
  EXPECT_THROW(write_safetensors(dir / "x", reserved, {}), Error);
  EXPECT_THROW(write_safetensors(dir / "x", {}, {{"k", "\xff"}}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

/// A file-size limit stands for the full disk: writing fails in the middle of the data either way.
TEST(Safetensors, DiskFullLeavesNothingBehind) {
  TempDir dir;
  StateDict state;
  state.add("big", HostTensor::from<float>({1 << 20}, std::vector<float>(1 << 20, 1.0f)));
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_safetensors(dir / "x.safetensors", state, {}), Error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace soco

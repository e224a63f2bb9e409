// SPDX-License-Identifier: MIT
#include "soco/base/protobuf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "soco/base/error.h"

namespace soco::protobuf {
namespace {

using namespace std::string_literals;

/// The examples of protobuf.dev/programming-guides/encoding: field 1 = 150; field 2 = "testing".
TEST(Protobuf, WritesTheExamplesOfItsGuide) {
  std::string message;
  append_integer(message, 1, 150);
  EXPECT_EQ(message, "\x08\x96\x01");
  append_bytes(message, 2, "testing");
  EXPECT_EQ(message, "\x08\x96\x01\x12\x07testing");
  std::string numbers;
  append_integer(numbers, 1, -2);  // as 64 bits of two's complement
  EXPECT_EQ(numbers, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  numbers.clear();
  append_float(numbers, 3, 1.0f);
  append_double(numbers, 16, -2.0);
  EXPECT_EQ(numbers, "\x1d\x00\x00\x80\x3f\x81\x01\x00\x00\x00\x00\x00\x00\x00\xc0"s);
}

TEST(Protobuf, ReadsWhatItWrote) {
  std::string message;
  append_integer(message, 1, -2);
  append_bytes(message, 1000, "abc");
  append_float(message, 3, 0.5f);
  append_double(message, 4, 0.25);
  Reader reader(message);
  EXPECT_EQ(static_cast<std::int64_t>(reader.next()->integer), -2);
  const auto text = reader.next();
  EXPECT_EQ(text->number, 1000u);
  EXPECT_EQ(text->bytes, "abc");
  EXPECT_EQ(reader.next()->integer, std::bit_cast<std::uint32_t>(0.5f));
  EXPECT_EQ(reader.next()->integer, std::bit_cast<std::uint64_t>(0.25));
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(Protobuf, RefusesWhatDoesNotEndOrIsNoNumber) {
  for (const std::string& message :
       {"\x08"s, "\x08\x96"s, "\x12\x07test"s, "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, "\x1d\x00"s,
        "\x09\x00"s, "\x0b"s, "\x0c"s, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,
        "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"s, "\xf8\xff\xff\xff\xff\x01\x00"s}) {
    Reader reader(message);
    EXPECT_THROW(reader.next(), Error) << message.size();
  }
}

}  // namespace
}  // namespace soco::protobuf

// SPDX-License-Identifier: MIT
#include "soco/base/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "soco/base/atomic_file.h"
#include "soco/base/json.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

/// Reads a whole text into the library's value: an independent parser of the same text must give the same.
Json value_of(JsonReader& reader) {
  Json value;
  switch (reader.peek()) {
    case JsonReader::Kind::kObject:
      value = Json::object();
      reader.read_object([&](const std::string& key) { value[key] = value_of(reader); });
      break;
    case JsonReader::Kind::kArray:
      value = Json::array();
      reader.read_array([&] { value.push_back(value_of(reader)); });
      break;
    case JsonReader::Kind::kText:
      return reader.read_text();
    case JsonReader::Kind::kNumber:
      return reader.read_number();
    case JsonReader::Kind::kBool:
      return reader.read_bool();
    case JsonReader::Kind::kNull:
      reader.skip();
  }
  return value;
}

template <class F>
std::string error_of(const std::string& text, const F& read, const std::string& form = "") {
  try {
    JsonReader reader(text, "f.json", form);
    read(reader);
    reader.finish();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
std::string error_of(const std::string& text) {
  return error_of(text, [](JsonReader& reader) { reader.skip(); });
}

TEST(JsonReader, ReadsWhatAnIndependentParserReads) {
  for (const std::string& text : std::vector<std::string>{
           R"({"a": [1, 2.5, -3e-2, 0, -0.0, 1E+3], "b": {"c": null, "d": [true, false, [], {}]}, "": ""})",
           R"(["\"\\\/\b\f\n\r\t", "\u0041\u00e9\u20ac\ud83d\ude00", "é€😀"])", " [ 1 ,\n2\t,\r3 ] ", "17", "\"x\""}) {
    JsonReader reader(text, "f.json", "");
    const Json value = value_of(reader);
    reader.finish();
    EXPECT_EQ(value, Json::parse(text)) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "[1,]",
                           "[1 2]",
                           "[,1]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:1}",
                           "[1]]",
                           "1 2",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\x01\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "tru",
                           "nul",
                           "truely",
                           "-",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "+1",
                           "1.5.2",
                           "--1",
                           "'a'",
                           "\x80"}) {
    EXPECT_THAT(error_of(text), HasSubstr("f.json: not JSON, at byte")) << text;
  }
}

TEST(JsonReader, SaysThatNaNAndInfinityAreNoNumbers) {
  for (const char* text : {"[NaN]", "[Infinity]", "[-Infinity]"})
    EXPECT_THAT(error_of(text), HasSubstr("Infinity")) << text;
}

TEST(JsonReader, NamesThePlaceAndTheForm) {
  const std::string error =
      error_of(R"({"images": [{"id": 1}, {"id": "2"}]})",
               [](JsonReader& r) {
                 r.read_object([&](const std::string&) {
                   r.read_array([&] { r.read_object([&](const std::string&) { r.read_integer(); }); });
                 });
               },
               "{...}");
  // The place of "2" counted by hand: {"images": [{"id": 1}, {"id": takes 30 bytes.
  EXPECT_EQ(error,
            "f.json: 'images'[1].'id' (byte 30): a text is out of place, expected a number; the file's form is {...}");
}

TEST(JsonReader, ReadsIntegersExactly) {
  const auto integer = [](const std::string& text) {
    JsonReader reader(text, "f", "");
    return reader.read_integer();
  };
  EXPECT_EQ(integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(integer("-0"), 0);
  for (const char* text : {"9223372036854775808", "1.0", "1e3"}) {
    EXPECT_THAT(error_of(text, [](JsonReader& r) { r.read_integer(); }), HasSubstr("not a whole number")) << text;
  }
}

TEST(JsonReader, RefusesNumbersBeyondFloat64AndRoundsTinyOnesToZero) {
  EXPECT_THAT(error_of("1e999", [](JsonReader& r) { r.read_number(); }), HasSubstr("beyond"));
  EXPECT_EQ(error_of("1e-999", [](JsonReader& r) { EXPECT_EQ(r.read_number(), 0); }), "no error");
  EXPECT_THAT(error_of(std::string(500, '1')), HasSubstr("more than 400"));
}

TEST(JsonReader, RefusesAKeyTwice) {
  EXPECT_THAT(error_of(R"({"a": 1, "b": {"a": 2}, "a": 3})"), HasSubstr("'a' (byte"));
  EXPECT_EQ(error_of(R"({"a": {"a": 1, "b": 1}, "b": {"a": 1}})"), "no error");
}

TEST(JsonReader, RefusesWhatWouldTakeMemoryWithoutEnd) {
  EXPECT_EQ(error_of(std::string(64, '[') + std::string(64, ']')), "no error");
  EXPECT_THAT(error_of(std::string(65, '[') + std::string(65, ']')), HasSubstr("deeper than 64"));
  EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("deeper than 64"));
  EXPECT_THAT(error_of('"' + std::string(2u << 20, 'x') + '"'), HasSubstr("more than 1048576 bytes"));
}

TEST(JsonReader, ReadsAFileLongerThanItsBuffer) {
  const TempDir dir;
  std::string text = "[";
  for (int i = 0; i < 50'000; ++i) text += fmt::format("{}\"item {}\"", i > 0 ? ", " : "", i);
  write_file_atomic(dir / "long.json", text + "]");
  JsonReader reader(dir / "long.json", "");
  int i = 0;
  reader.read_array([&] { ASSERT_EQ(reader.read_text(), fmt::format("item {}", i++)); });
  reader.finish();
  EXPECT_EQ(i, 50'000);
}

TEST(JsonReader, FailsWhenTheFileIsMissingOrAFolder) {
  const TempDir dir;
  EXPECT_THROW(JsonReader(dir / "none.json", ""), Error);
  EXPECT_THROW(JsonReader(dir.path(), ""), Error);
}

}  // namespace
}  // namespace soco

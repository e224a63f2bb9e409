// SPDX-License-Identifier: MIT
#include "soco/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text, int max_depth = 64) {
  try {
    parse_json(text, "file.json", max_depth);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseJson, KeepsTheOrderOfKeys) {
  const Json json = parse_json(R"({"z": 1, "a": [1.5, "x", null, true]})", "file.json");
  EXPECT_EQ(json.begin().key(), "z");
  EXPECT_EQ(json["a"][0], 1.5);
  EXPECT_EQ(dump_json(json), R"({"z":1,"a":[1.5,"x",null,true]})");
}

TEST(ParseJson, NamesFileAndPlaceWhenNotJson) {
  for (const char* text : {"", "{", "[1,]", "{'a':1}", "[1] x", "nan", "\"\\x\"", "[01]", "\"\xff\""}) {
    EXPECT_THAT(error_of(text), HasSubstr("file.json: not valid JSON")) << text;
  }
}

TEST(ParseJson, RefusesDeepNestingBeforeParsing) {
  EXPECT_EQ(error_of("[[[1]]]", 3), "no error");
  EXPECT_EQ(error_of("[[[[1]]]]", 3), "file.json: JSON nests deeper than 3 levels at byte 3");
  EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("deeper than 64"));
  EXPECT_THAT(error_of(R"({"a":{"a":{"a":{}}}})", 3), HasSubstr("deeper than 3"));
}

TEST(ParseJson, CountsNoBracketsInsideStrings) { EXPECT_EQ(error_of(R"(["[[[[", "\"[[[[", "\\"])", 1), "no error"); }

TEST(ParseJson, RefusesRepeatedKeysOfOneObjectOnly) {
  EXPECT_THAT(error_of(R"({"a": {"b": 1, "b": 2}})"), HasSubstr("the key 'b' is there twice"));
  EXPECT_EQ(error_of(R"({"a": {"b": 1}, "b": [{"a": 1}, {"a": 2}]})"), "no error");
}

TEST(DumpJson, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xef\xbf\xbd\"");
  EXPECT_EQ(dump_json(Json{{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

}  // namespace
}  // namespace soco

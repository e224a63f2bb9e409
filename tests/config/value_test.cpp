// SPDX-License-Identifier: MIT
#include "soco/config/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

TEST(ParseToml, GivesKeysInTheOrderOfTheTextWithTheirPlaces) {
  const ConfigTable table = parse_toml("zebra = 1\n\n  apple = 'x'\n", "c.toml");
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[0].key, "zebra");
  EXPECT_EQ(table[1].key, "apple");
  EXPECT_EQ(table[1].line, 3);
  EXPECT_EQ(table[1].column, 3);
  EXPECT_EQ(table[1].value.line, 3);
  EXPECT_EQ(table[1].value.column, 11);
}

TEST(ParseToml, GivesEveryTypeOfValue) {
  const ConfigTable table = parse_toml(R"(
a = true
b = 0x10
c = 1_000.5
d = '''raw
text'''
e = [1, "two"]
f = {x = 1}
g = 07:32:00
h = 1979-05-27T07:32:00Z
i = -inf
)",
                                       "c.toml");
  ASSERT_EQ(table.size(), 9u);
  EXPECT_EQ(std::get<bool>(table[0].value.data), true);
  EXPECT_EQ(std::get<std::int64_t>(table[1].value.data), 16);
  EXPECT_EQ(std::get<double>(table[2].value.data), 1000.5);
  EXPECT_EQ(std::get<std::string>(table[3].value.data), "raw\ntext");
  EXPECT_EQ(std::get<ConfigList>(table[4].value.data).size(), 2u);
  EXPECT_EQ(std::get<ConfigTable>(table[5].value.data).at(0).key, "x");
  EXPECT_EQ(std::get<ConfigOther>(table[6].value.data).type, "time");
  EXPECT_EQ(std::get<ConfigOther>(table[7].value.data).type, "date and time");
  EXPECT_EQ(std::get<double>(table[8].value.data), -std::numeric_limits<double>::infinity());
}

TEST(ParseToml, TakesAnEmptyText) {
  EXPECT_TRUE(parse_toml("", "c.toml").empty());
  EXPECT_TRUE(parse_toml("# only a comment", "c.toml").empty());
}

TEST(ParseToml, RefusesWhatIsNotToml) {
  for (const char* text :
       {"a", "a =", "= 1", "a = 1 2", "[a", "[[a]", "a = [1", "a = {b = 1", "a = 9223372036854775808", "a = 01",
        "a = 'x", "a.b = 1\na = 2", "[a]\n[a]", "a = \"\\q\"", "a = \"\x01\"", "\x80"}) {
    try {
      parse_toml(text, "c.toml");
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), HasSubstr("c.toml:")) << text;
      EXPECT_THAT(error.what(), HasSubstr(": not valid TOML: ")) << text;
    }
  }
}

TEST(TomlText, MarksNumbersAsNumbers) {
  EXPECT_EQ(toml_text({std::int64_t{3}}), "3");
  EXPECT_EQ(toml_text({3.0}), "3.0");
  EXPECT_EQ(toml_text({0.1}), "0.1");
  EXPECT_EQ(toml_text({-0.0}), "-0.0");
  EXPECT_EQ(toml_text({1e300}), "1e+300");
  EXPECT_EQ(toml_text({std::numeric_limits<double>::infinity()}), "inf");
  EXPECT_EQ(toml_text({false}), "false");
}

TEST(TomlText, QuotesTextAndKeys) {
  EXPECT_EQ(toml_text({std::string("a\"b\\c\n\x01")}), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(toml_text({ConfigList{{std::string("x")}, {std::int64_t{1}}}}), R"(["x", 1])");
  EXPECT_EQ(toml_text({ConfigTable{{"a b", {true}}, {"c", {ConfigList{}}}}}), R"({"a b" = true, "c" = []})");
  EXPECT_THROW(toml_quote("\xff"), Error);
}

TEST(TomlText, IsReadBackAsTheSameText) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  const ConfigTable table = parse_toml("a = " + toml_quote(all), "c.toml");
  EXPECT_EQ(std::get<std::string>(table.at(0).value.data), all);
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("short"), "short");
  EXPECT_EQ(shortened(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(shortened(std::string(61, 'x')), std::string(60, 'x') + "...");
  // The 60th byte is the first of the two of this letter, which is then left out whole.
  EXPECT_EQ(shortened(std::string(59, 'x') + "\xc3\xa4" + "yz"), std::string(59, 'x') + "...");
}

TEST(DescribeValue, NamesTypeAndValue) {
  EXPECT_EQ(describe_value({std::string("abc")}), "the string 'abc'");
  EXPECT_EQ(describe_value({2.0}), "the number 2.0");
  EXPECT_EQ(describe_value({ConfigList{{true}}}), "a list of 1");
  EXPECT_EQ(describe_value({ConfigOther{"date"}}), "a date");
}

}  // namespace
}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "config/sample_options.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

std::string load_error(const std::string& text) {
  SampleOptions options;
  const std::string error = usage_error_of([&] { load_toml(options, text, "c.toml"); });
  EXPECT_EQ(options, SampleOptions{}) << "an error must leave the options as they were";
  return error;
}

TEST(LoadToml, SetsEveryTypeOfField) {
  SampleOptions options;
  load_toml(options, R"(
epochs = 400
seed = -9223372036854775808
limit = 9223372036854775807
lr = 3
verbose = true
name = "x \"y\" ä"
unit = "ratio"
out = "/data/run 1"
mode = "assigned"
batch_size = 64
second_mode = "auto"
steps = [3, 4, 5]
thresholds = [1, 2.5]
names = []
[main_view]
size = 96
color.brightness = 0.25
[[views]]
name = "a"
[views.color]
hue = 0.25
[[views]]
size = 112
extra = [{brightness = 1}]
)",
            "c.toml");
  SampleOptions expected;
  expected.epochs = 400;
  expected.seed = std::numeric_limits<std::int64_t>::min();
  expected.limit = 9223372036854775807ull;
  expected.lr = 3;  // an integer is a number too
  expected.verbose = true;
  expected.name = "x \"y\" ä";
  expected.unit = "ratio";
  expected.out = "/data/run 1";
  expected.mode = Mode::kAssigned;
  expected.batch_size = 64;
  expected.second_mode = std::nullopt;
  expected.steps = {3, 4, 5};
  expected.thresholds = {1, 2.5};
  expected.names = {};
  expected.main_view.size = 96;
  expected.main_view.color.brightness = 0.25;
  expected.views = {ViewItem{}, ViewItem{}};
  expected.views[0].name = "a";
  expected.views[0].color.hue = 0.25f;
  expected.views[1].size = 112;
  expected.views[1].extra = {{1, 0.1f}};
  EXPECT_EQ(options, expected);
}

TEST(LoadToml, KeepsWhatTheTextDoesNotNameAndReplacesListsWhole) {
  SampleOptions options;
  options.epochs = 5;
  options.main_view.name = "kept";
  options.views = {ViewItem{"old", 7, {}, {}}, ViewItem{}};
  load_toml(options, "steps = [9]\n[main_view]\nsize = 1\n[[views]]\nname = \"new\"\n", "c.toml");
  EXPECT_EQ(options.epochs, 5);
  EXPECT_EQ(options.main_view.name, "kept");
  EXPECT_EQ(options.steps, std::vector<int>{9});
  EXPECT_EQ(options.views, (std::vector<ViewItem>{ViewItem{"new", 224, {}, {}}}));  // size is the default, not 7
  load_toml(options, "views = []", "c.toml");
  EXPECT_TRUE(options.views.empty());
}

TEST(LoadToml, NamesPlaceAndNearestKeyWhenAKeyIsUnknown) {
  EXPECT_EQ(load_error("seed = 1\n  epchs = 3"),
            "c.toml:2:3: unknown key 'epchs' at the top level; did you mean 'epochs'?");
  EXPECT_EQ(load_error("[main_view]\nsiez = 3"), "c.toml:2:1: unknown key 'siez' in [main_view]; did you mean 'size'?");
  EXPECT_EQ(load_error("[main_view.color]\nblur = 3"),
            "c.toml:2:1: unknown key 'blur' in [main_view.color]; its keys are brightness, hue");
  EXPECT_EQ(load_error("[[views]]\n[[views]]\nNAME = 3"),
            "c.toml:3:1: unknown key 'NAME' in [views.1]; did you mean 'name'?");
}

TEST(LoadToml, NamesPlaceValueAndTypeWhenTheTypeIsWrong) {
  EXPECT_EQ(load_error("epochs = \"many\""), "c.toml:1:10: epochs is the string 'many', but must be an integer");
  EXPECT_EQ(load_error("epochs = 1.5"), "c.toml:1:10: epochs is the number 1.5, but must be an integer");
  EXPECT_EQ(load_error("epochs = 1.0"), "c.toml:1:10: epochs is the number 1.0, but must be an integer");
  EXPECT_EQ(load_error("name = 3"), "c.toml:1:8: name is the integer 3, but must be a string");
  EXPECT_EQ(load_error("out = true"), "c.toml:1:7: out is the boolean true, but must be a path as string");
  EXPECT_EQ(load_error("verbose = 1"), "c.toml:1:11: verbose is the integer 1, but must be true or false");
  EXPECT_EQ(load_error("lr = 2024-01-01"), "c.toml:1:6: lr is a date, but must be a number");
  EXPECT_EQ(load_error("mode = 2"), "c.toml:1:8: mode is the integer 2, but must be one of reference|assigned");
  EXPECT_EQ(load_error("steps = 3"), "c.toml:1:9: steps is the integer 3, but must be a list");
  EXPECT_EQ(load_error("steps = [1, 'x']"), "c.toml:1:9: steps item 1 is the string 'x', but must be an integer");
  EXPECT_EQ(load_error("main_view = 3"), "c.toml:1:13: main_view is the integer 3, but must be a table");
  EXPECT_EQ(load_error("views = {}"), "c.toml:1:9: views is a table, but must be a list of tables");
  EXPECT_EQ(load_error("views = [{}, 4]"), "c.toml:1:14: views.1 is the integer 4, but must be a table");
}

TEST(LoadToml, NamesTheAllowedValuesWhenOutOfRange) {
  EXPECT_EQ(load_error("epochs = 0"), "c.toml:1:10: epochs is 0, but must be in [1, 1000]");
  EXPECT_EQ(load_error("epochs = 99999999999"), "c.toml:1:10: epochs is 99999999999, but must be in [1, 1000]");
  EXPECT_EQ(load_error("limit = 0"), "c.toml:1:9: limit is 0, but must be at least 1");
  EXPECT_EQ(load_error("lr = 0"), "c.toml:1:6: lr is 0, but must be above 0");
  EXPECT_EQ(load_error("lr = nan"), "c.toml:1:6: lr is nan, but must be above 0");
  EXPECT_EQ(load_error("lr = inf"), "c.toml:1:6: lr is inf, but must be above 0");
  EXPECT_EQ(load_error("thresholds = [1, nan]"), "c.toml:1:14: thresholds item 1 is nan, but must be a finite number");
  EXPECT_EQ(load_error("main_view.color.hue = 0.5"),
            "c.toml:1:23: main_view.color.hue is 0.5, but must be in [0, 0.5)");
  EXPECT_EQ(load_error("steps = [1, 101]"), "c.toml:1:9: steps item 1 is 101, but must be in [0, 100]");
  EXPECT_EQ(load_error("batch_size = 0"), "c.toml:1:14: batch_size is 0, but must be in [1, 4096], or \"auto\"");
  EXPECT_EQ(load_error("unit = 'pixel'"), "c.toml:1:8: unit is 'pixel', but must be one of px|ratio");
  EXPECT_EQ(load_error("mode = 'asigned'"),
            "c.toml:1:8: mode is 'asigned', but must be one of reference|assigned; did you mean 'assigned'?");
}

TEST(LoadToml, NamesLineAndColumnWhenTheTextIsNoToml) {
  EXPECT_THAT(load_error("epochs = 3\nseed = = 4"), HasSubstr("c.toml:2:8: not valid TOML: "));
  EXPECT_THAT(load_error("epochs = 3\nepochs = 4"), HasSubstr("c.toml:2:"));
  EXPECT_THAT(load_error("name = \"a"), HasSubstr("c.toml:1:"));
  EXPECT_THAT(load_error("name = \"\xff\""), HasSubstr("c.toml:1:"));
  EXPECT_THAT(load_error("steps = " + std::string(100000, '[')), HasSubstr("c.toml:1:"));
}

TEST(LoadToml, ReportsTheFirstErrorOfTheFile) { EXPECT_THAT(load_error("zzz = 1\naaa = 2"), HasSubstr("'zzz'")); }

TEST(LoadToml, ShortensAndCleansHostileTextInErrors) {
  const std::string error = load_error("epochs = \"\\u001b[2J" + std::string(10000, 'x') + "\"");
  EXPECT_THAT(error, HasSubstr("'\\x1b[2Jxxx"));
  EXPECT_LT(error.size(), 200u);
}

TEST(LoadTomlFile, NamesTheFileInErrors) {
  const testing::TempDir dir;
  std::ofstream(dir / "c.toml") << "epochs = 12\n";
  SampleOptions options;
  load_toml_file(options, dir / "c.toml");
  EXPECT_EQ(options.epochs, 12);
  std::ofstream(dir / "d.toml") << "epoch = 12\n";
  EXPECT_EQ(usage_error_of([&] { load_toml_file(options, dir / "d.toml"); }),
            (dir / "d.toml").string() + ":1:1: unknown key 'epoch' at the top level; did you mean 'epochs'?");
  EXPECT_THROW(load_toml_file(options, dir / "none.toml"), Error);
}

TEST(DumpToml, WritesScalarsBeforeTables) {
  ViewItem item;
  item.extra = {{1, 0.25f}, {2, 0}};
  EXPECT_EQ(dump_toml(item), R"(name = "view"
size = 224

[color]
brightness = 0.4
hue = 0.1

[[extra]]
brightness = 1.0
hue = 0.25

[[extra]]
brightness = 2.0
hue = 0.0
)");
}

void expect_round_trip(const SampleOptions& options) {
  SampleOptions loaded;
  loaded.views.resize(5);
  load_toml(loaded, dump_toml(options), "dump");
  EXPECT_EQ(loaded, options) << dump_toml(options);
}

TEST(DumpToml, GivesTheSameOptionsWhenLoadedAgain) {
  expect_round_trip({});
  SampleOptions options;
  options.lr = 0.1 + 0.2;  // no short decimal
  options.thresholds = {1e-300, 1e300, -0.0, 5e-324, 123456789012345678.0};
  options.seed = std::numeric_limits<std::int64_t>::min();
  options.name = "quote\" back\\ tab\t line\n return\r bell\a del\x7f nul" + std::string(1, '\0') + " ä€😀";
  options.out = "";
  options.batch_size = 3;
  options.second_mode.reset();
  options.names = {"", "auto", "a=b", "[x]", "'"};
  options.steps = {};
  options.views = {};
  options.main_view.extra.resize(2);
  expect_round_trip(options);
  options.views.resize(3);
  options.views[1].extra.resize(2);
  options.views[1].color.hue = 0.3f;
  options.views[2].extra.resize(1);
  expect_round_trip(options);
}

TEST(DumpToml, RefusesTextTomlCannotHold) {
  SampleOptions options;
  options.out = "a\xff";
  EXPECT_THROW(dump_toml(options), Error);
}

const OptionDoc& find_doc(const std::vector<OptionDoc>& docs, const std::string& key) {
  const auto found = std::find_if(docs.begin(), docs.end(), [&](const OptionDoc& doc) { return doc.key == key; });
  if (found == docs.end()) throw std::runtime_error("no doc of " + key);
  return *found;
}

TEST(Describe, TellsTypeDefaultAndAllowedValuesOfEveryOption) {
  const auto docs = describe(SampleOptions{});
  EXPECT_EQ(docs.front().key, "epochs");
  EXPECT_EQ(docs.front().type, "int");
  EXPECT_EQ(docs.front().default_value, "100");
  EXPECT_EQ(docs.front().doc, "passes over the data");
  EXPECT_EQ(docs.front().allowed, "in [1, 1000]");
  EXPECT_EQ(find_doc(docs, "batch_size").type, "int or auto");
  EXPECT_EQ(find_doc(docs, "batch_size").default_value, "\"auto\"");
  EXPECT_EQ(find_doc(docs, "mode").allowed, "reference|assigned");
  EXPECT_EQ(find_doc(docs, "mode").type, "choice");
  EXPECT_EQ(find_doc(docs, "names").type, "list of string");
  EXPECT_EQ(find_doc(docs, "names").default_value, "[\"a\", \"b, c\"]");
  EXPECT_EQ(find_doc(docs, "main_view.color.hue").allowed, "in [0, 0.5)");
  EXPECT_EQ(find_doc(docs, "seed").allowed, "");
  EXPECT_EQ(find_doc(docs, "views").default_value, "1 item");
  EXPECT_EQ(find_doc(docs, "views[].extra").default_value, "0 items");
  EXPECT_EQ(find_doc(docs, "views[].extra[].brightness").default_value, "0.4");  // described though the list is empty
}

TEST(ValidateOptions, ChecksNestedOptionsAndNamesThem) {
  SampleOptions options;
  EXPECT_NO_THROW(validate_options(options));
  options.views.resize(2);
  options.views[1].name = "";
  EXPECT_EQ(usage_error_of([&] { validate_options(options); }), "in [views.1]: name is empty, but must be a word");
  options.views.clear();
  EXPECT_EQ(usage_error_of([&] { validate_options(options); }), "views has no item, but must have at least one");
  options.main_view.name = "";
  EXPECT_EQ(usage_error_of([&] { validate_options(options); }), "in [main_view]: name is empty, but must be a word");
}

}  // namespace
}  // namespace soco

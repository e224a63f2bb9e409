// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "config/sample_options.h"
#include "soco/config/options.h"

namespace soco {
namespace {

SampleOptions with(const std::string& assignment) {
  SampleOptions options;
  options.views.resize(2);
  apply_override(options, assignment);
  return options;
}

std::string override_error(const std::string& assignment) {
  return usage_error_of([&] { with(assignment); });
}

TEST(ApplyOverride, SetsScalars) {
  EXPECT_EQ(with("epochs=400").epochs, 400);
  EXPECT_EQ(with(" epochs = 400 ").epochs, 400);
  EXPECT_EQ(with("seed=-3").seed, -3);
  EXPECT_EQ(with("lr=1e-3").lr, 1e-3);
  EXPECT_EQ(with("lr=2").lr, 2);
  EXPECT_EQ(with("lr=.5").lr, 0.5);
  EXPECT_EQ(with("lr=2.").lr, 2);
  EXPECT_TRUE(with("verbose=true").verbose);
  EXPECT_EQ(with("mode=assigned").mode, Mode::kAssigned);
}

TEST(ApplyOverride, TakesTextWithAndWithoutQuotes) {
  EXPECT_EQ(with("name=my run").name, "my run");
  EXPECT_EQ(with("name=\"a\\tb \"").name, "a\tb ");
  EXPECT_EQ(with("name='a\\tb'").name, "a\\tb");
  EXPECT_EQ(with("name=a=b").name, "a=b");
  EXPECT_EQ(with("name=12").name, "12");
  EXPECT_EQ(with("name=").name, "");
  EXPECT_EQ(with("out=/data/x y.db").out, "/data/x y.db");
}

TEST(ApplyOverride, ResetsAnOptionalByAuto) {
  SampleOptions options;
  apply_override(options, "batch_size=32");
  EXPECT_EQ(options.batch_size, 32);
  apply_override(options, "batch_size=auto");
  EXPECT_EQ(options.batch_size, std::nullopt);
  apply_override(options, "second_mode=\"auto\"");
  EXPECT_EQ(options.second_mode, std::nullopt);
  apply_override(options, "second_mode=reference");
  EXPECT_EQ(options.second_mode, Mode::kReference);
}

TEST(ApplyOverride, SetsListsWithAndWithoutBrackets) {
  EXPECT_EQ(with("steps=[1, 2,3]").steps, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(with("steps=4,5").steps, (std::vector<int>{4, 5}));
  EXPECT_EQ(with("steps=4").steps, (std::vector<int>{4}));
  EXPECT_TRUE(with("steps=[]").steps.empty());
  EXPECT_TRUE(with("steps=").steps.empty());
  EXPECT_EQ(with("thresholds=[.5, 1]").thresholds, (std::vector<double>{0.5, 1}));
  EXPECT_EQ(with("names=x,y z").names, (std::vector<std::string>{"x", "y z"}));
  EXPECT_EQ(with("names=['a, b', \"c\"]").names, (std::vector<std::string>{"a, b", "c"}));
}

TEST(ApplyOverride, ReachesIntoTablesAndLists) {
  EXPECT_EQ(with("main_view.color.brightness=0.7").main_view.color.brightness, 0.7);
  const SampleOptions options = with("views.1.size=112");
  EXPECT_EQ(options.views[0].size, 224);
  EXPECT_EQ(options.views[1].size, 112);
  EXPECT_EQ(with("main_view={size = 3, color = {hue = 0.25}}").main_view.color.hue, 0.25f);
  EXPECT_EQ(with("views=[{name='a'},{name='b'},{}]").views.size(), 3u);
  EXPECT_TRUE(with("views=[]").views.empty());
}

TEST(ApplyOverride, NamesTheOverrideAndTheFaultWhenWrong) {
  EXPECT_EQ(override_error("epochs"), "'epochs' must have the form KEY=VALUE");
  EXPECT_EQ(override_error("=3"), "'=3' must have a key before '=', as in KEY=VALUE");
  EXPECT_EQ(override_error("epchs=3"), "epchs=3: unknown key 'epchs' at the top level; did you mean 'epochs'?");
  EXPECT_EQ(override_error("main_view.siz=3"),
            "main_view.siz=3: unknown key 'siz' in [main_view]; did you mean 'size'?");
  EXPECT_EQ(override_error("epochs=many"), "epochs=many: epochs is the string 'many', but must be an integer");
  EXPECT_EQ(override_error("epochs=0"), "epochs=0: epochs is 0, but must be in [1, 1000]");
  EXPECT_EQ(override_error("epochs=1\nseed=2"),
            "epochs=1\\x0aseed=2: epochs is the string '1\\x0aseed=2', but must be an integer");
  EXPECT_EQ(override_error("batch_size=lots"),
            "batch_size=lots: batch_size is the string 'lots', but must be an integer, or \"auto\"");
  EXPECT_EQ(override_error("epochs=auto"), "epochs=auto: epochs is the string 'auto', but must be an integer");
  EXPECT_EQ(override_error("steps=1,,2"), "steps=1,,2: steps item 1 is the string '', but must be an integer");
  EXPECT_EQ(override_error("main_view={size = 0}"),
            "main_view={size = 0}: main_view.size is 0, but must be in [1, 4096]");
  EXPECT_EQ(override_error("main_view=3"), "main_view=3: main_view is the integer 3, but must be a table");
}

TEST(ApplyOverride, NamesTheListWhenTheIndexIsWrong) {
  EXPECT_EQ(override_error("views.2.size=3"),
            "views.2.size=3: views has 2 items, so item 2 is not there; the first is 0");
  EXPECT_EQ(override_error("views.x.size=3"), "views.x.size=3: 'x' must be the index of an item of views, which has 2");
  EXPECT_EQ(override_error("views.-1.size=3"),
            "views.-1.size=3: '-1' must be the index of an item of views, which has 2");
  EXPECT_EQ(override_error("views..size=3"), "views..size=3: '' must be the index of an item of views, which has 2");
  EXPECT_EQ(override_error("views.0=3"), "views.0=3: name a key of the item, as in views.0.KEY=VALUE");
  EXPECT_EQ(override_error("epochs.x=3"), "epochs.x=3: epochs is no table, so it has no key 'x'");
}

TEST(ApplyOverride, LeavesTheOptionsAsTheyWereWhenWrong) {
  SampleOptions options;
  EXPECT_THROW(apply_override(options, "main_view={size = 3, name = 4}"), Error);
  EXPECT_EQ(options, SampleOptions{});
}

TEST(Enum, IsFoundByItsNameAndNamedByItsValue) {
  EXPECT_EQ(enum_name(Mode::kAssigned, kModeNames), "assigned");
  EXPECT_EQ(find_enum("reference", kModeNames), Mode::kReference);
  EXPECT_EQ(find_enum("other", kModeNames), std::nullopt);
  EXPECT_EQ(enum_choices(kModeNames), "reference|assigned");
  EXPECT_EQ(parse_enum("assigned", kModeNames, "--mode"), Mode::kAssigned);
  EXPECT_EQ(usage_error_of([] { parse_enum("assinged", kModeNames, "--mode"); }),
            "--mode is 'assinged', but must be one of reference|assigned; did you mean 'assigned'?");
  EXPECT_THROW(enum_name(static_cast<Mode>(9), kModeNames), std::logic_error);
}

}  // namespace
}  // namespace soco

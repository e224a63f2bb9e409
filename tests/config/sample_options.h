// SPDX-License-Identifier: MIT
// Options structs with a field of every supported type, for the tests of this folder.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "soco/config/options.h"

namespace soco {

enum class Mode { kReference, kAssigned };
constexpr std::array<EnumName<Mode>, 2> kModeNames{{{Mode::kReference, "reference"}, {Mode::kAssigned, "assigned"}}};

struct ColorOptions {
  double brightness = 0.4;
  float hue = 0.1f;

  bool operator==(const ColorOptions&) const = default;
  template <class V>
  void visit(V& v) {
    v.field("brightness", brightness, "relative change", Range<double>{0, 10});
    v.field("hue", hue, "turns", Range<double>{.min = 0, .max = 0.5, .max_open = true});
  }
};

struct ViewItem {
  std::string name = "view";
  int size = 224;
  ColorOptions color;
  std::vector<ColorOptions> extra;

  bool operator==(const ViewItem&) const = default;
  template <class V>
  void visit(V& v) {
    v.section("color", color, "colours");  // before the scalars on purpose: a dump must not mix them
    v.field("name", name, "name");
    v.list("extra", extra, "more colours");
    v.field("size", size, "px", Range<int>{1, 4096});
  }
  void validate() const {
    if (name.empty()) fail_usage("name is empty, but must be a word");
  }
};

struct SampleOptions {
  int epochs = 100;
  std::int64_t seed = -1;
  std::uint64_t limit = 7;
  double lr = 1;
  bool verbose = false;
  std::string name = "run";
  std::string unit = "px";
  std::filesystem::path out = "runs/a";
  Mode mode = Mode::kReference;
  std::optional<int> batch_size;
  std::optional<Mode> second_mode = Mode::kAssigned;
  std::vector<int> steps{1, 2};
  std::vector<double> thresholds{48, 96.5};
  std::vector<std::string> names{"a", "b, c"};
  ViewItem main_view;
  std::vector<ViewItem> views{ViewItem{}};

  bool operator==(const SampleOptions&) const = default;
  template <class V>
  void visit(V& v) {
    v.field("epochs", epochs, "passes over the data", Range<int>{1, 1000});
    v.field("seed", seed, "seed of all randomness");
    v.field("limit", limit, "most images", Range<std::uint64_t>{.min = 1});
    v.field("lr", lr, "learning rate", Range<double>{.min = 0, .min_open = true});
    v.field("verbose", verbose, "say more");
    v.field("name", name, "name of the run");
    v.field("unit", unit, "unit of boxes", Choices{{"px", "ratio"}});
    v.field("out", out, "folder");
    v.field("mode", mode, "how heads see boxes", kModeNames);
    v.field("batch_size", batch_size, "images a step", Range<int>{1, 4096});
    v.field("second_mode", second_mode, "another", kModeNames);
    v.field("steps", steps, "epochs of change", Range<int>{0, 100});
    v.field("thresholds", thresholds, "px");
    v.field("names", names, "words");
    v.section("main_view", main_view, "the view");
    v.list("views", views, "one table a view");
  }
  void validate() const {
    if (views.empty()) fail_usage("views has no item, but must have at least one");
  }
};

/// The text of the usage error the action throws; anything else fails the comparison it is used in.
template <class F>
std::string usage_error_of(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::kUsage ? error.what() : std::string("not a usage error: ") + error.what();
  }
  return "no error";
}

}  // namespace soco

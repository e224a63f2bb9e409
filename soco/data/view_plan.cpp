// SPDX-License-Identifier: MIT
#include "soco/data/view_plan.h"

#include <charconv>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::string_view kSame = "same:";

void check_range(const std::string& where, const char* low_key, double low, const char* high_key, double high) {
  if (low > high) {
    fail_usage("{}.{} = {} is above {}.{} = {}; the least must not exceed the greatest", where, low_key, low, where,
               high_key, high);
  }
}

void validate_view(const ViewOptions& view, int index) {
  const std::string where = fmt::format("views.{}", index);
  parse_crop_source(view.crop, index);
  check_range(where, "min_scale", view.min_scale, "max_scale", view.max_scale);
  check_range(where, "min_aspect", view.min_aspect, "max_aspect", view.max_aspect);
  check_range(where + ".photometric", "blur_min", view.photometric.blur_min, "blur_max", view.photometric.blur_max);
}

void validate_pair(const PairOptions& pair, int index, int num_views) {
  for (const int view : {pair.a, pair.b}) {
    if (view < 0 || view >= num_views) {
      fail_usage("pairs.{} names view {}, but there are {} views (0 to {})", index, view, num_views, num_views - 1);
    }
  }
  if (pair.a == pair.b) fail_usage("pairs.{} compares view {} with itself; give two different views", index, pair.a);
}

void validate_levels(const std::vector<double>& thresholds) {
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const double below = i == 0 ? 0.0 : thresholds[i - 1];
    if (!(thresholds[i] > below)) {
      fail_usage("level_thresholds[{}] = {}; expected positive sizes in rising order", i, thresholds[i]);
    }
  }
}

}  // namespace

CropSource parse_crop_source(std::string_view text, int view_index) {
  if (text == "whole") return {CropSource::Kind::kWhole, -1};
  if (text == "random") return {CropSource::Kind::kRandom, -1};
  if (text.starts_with(kSame)) {
    const std::string_view digits = text.substr(kSame.size());
    int view = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), view);
    const bool whole_number = error == std::errc() && end == digits.data() + digits.size();
    if (whole_number && view >= 0 && view < view_index) return {CropSource::Kind::kSame, view};
    fail_usage("views.{}.crop = '{}'; after 'same:' comes the index of an earlier view (0 to {})", view_index, text,
               view_index - 1);
  }
  fail_usage("views.{}.crop = '{}'; expected whole, random or same:<index of an earlier view>", view_index, text);
}

int root_view(const ViewPlan& plan, int view_index) {
  for (;;) {
    const CropSource source = parse_crop_source(plan.views.at(view_index).crop, view_index);
    if (source.kind != CropSource::Kind::kSame) return view_index;
    view_index = source.view;  // an earlier one, so this ends
  }
}

void ViewPlan::validate() const {
  if (views.size() < 2) fail_usage("views has {} entries; a pair needs two or more", views.size());
  if (pairs.empty()) fail_usage("pairs is empty; name at least one pair of views to compare");
  const int num_views = static_cast<int>(views.size());
  for (int i = 0; i < num_views; ++i) validate_view(views[i], i);
  for (std::size_t i = 0; i < pairs.size(); ++i) validate_pair(pairs[i], static_cast<int>(i), num_views);
  if (num_boxes < 1) fail_usage("num_boxes = {}; expected 1 or more", num_boxes);
  if (max_tries < 1) fail_usage("max_tries = {}; expected 1 or more", max_tries);
  if (cutout_min_area > cutout_max_area) {
    fail_usage("cutout_min_area = {} is above cutout_max_area = {}", cutout_min_area, cutout_max_area);
  }
  validate_levels(level_thresholds);
}

ViewPlan soco_fpn_view_plan(bool cutout) {
  PhotometricOptions first;
  first.blur_prob = 1.0;
  first.solarize_prob = 0.0;
  ViewPlan plan;
  plan.views = {
      {.name = "whole", .crop = "whole", .size = 224, .photometric = first},
      {.name = "crop", .crop = "random", .size = 224, .photometric = {}, .cutout = cutout},
      {.name = "small", .crop = "random", .size = 112, .photometric = {}, .cutout = cutout},
  };
  plan.pairs = {{.a = 0, .b = 1}, {.a = 0, .b = 2}};
  return plan;
}

}  // namespace soco

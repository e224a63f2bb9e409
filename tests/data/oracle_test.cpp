// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "data/plans.h"
#include "soco/base/json.h"
#include "soco/data/sample.h"
#include "testing/temp_dir.h"
#include "testing/test_path.h"

namespace soco {
namespace {

template <class T>
void write_raw(const std::filesystem::path& path, const std::vector<T>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  ASSERT_TRUE(file.good()) << path;
}

Json json_of(const PhotometricDecision& d) {
  Json order = Json::array();
  for (const int step : d.order) {
    if (d.enabled[step]) order.push_back(step);
  }
  return {{"jitter", d.jitter},
          {"order", order},
          {"brightness", d.brightness},
          {"contrast", d.contrast},
          {"hue", d.hue},
          {"saturation", d.saturation},
          {"gray", d.gray},
          {"blur", d.blur},
          {"blur_radius", d.blur_radius},
          {"solarize", d.solarize},
          {"solarize_threshold", d.solarize_threshold}};
}

Json json_of(const ViewOptions& options) {
  return {{"crop", options.crop},
          {"size", options.size},
          {"cutout", options.cutout},
          {"min_aspect", options.min_aspect},
          {"max_aspect", options.max_aspect}};
}

Json json_of(const ViewTrace& view, const ViewOptions& options) {
  Json cutouts = Json::array();
  for (const CutoutRect& r : view.cutouts) cutouts.push_back({r.x1, r.y1, r.x2, r.y2});
  return {
      {"options", json_of(options)},
      {"crop", {view.crop.x, view.crop.y, view.crop.width, view.crop.height}},
      {"draw", {{"area_ratio", view.draw.area_ratio}, {"aspect", view.draw.aspect}, {"fallback", view.draw.fallback}}},
      {"flipped", view.flipped},
      {"photometric", json_of(view.photometric)},
      {"cutouts", cutouts}};
}

Json json_of(const BoxSetTrace& set) {
  Json jitters = Json::array();
  for (const BoxJitter& j : set.jitters) {
    jitters.push_back({{"active", j.active}, {"dx", j.dx}, {"dy", j.dy}, {"dw", j.dw}, {"dh", j.dh}});
  }
  return {{"num_candidates", set.num_candidates},
          {"selected_ids", set.selected_ids},
          {"jitters", jitters},
          {"padding_a", set.padding_a},
          {"padding_b", set.padding_b}};
}

Json json_of(const std::vector<Box>& boxes) {
  Json rows = Json::array();
  for (const Box& b : boxes) rows.push_back({double(b.x1), double(b.y1), double(b.x2), double(b.y2)});
  return rows;
}

Json json_of(const SampleSide& side) {
  return {{"boxes", json_of(side.boxes)}, {"ids", side.ids}, {"levels", side.levels}};
}

Json json_of(const Sample& sample, const ViewPlan& plan, const ProposalSet& proposals) {
  Json views = Json::array(), sets = Json::array(), pairs = Json::array();
  for (std::size_t v = 0; v < plan.views.size(); ++v) views.push_back(json_of(sample.trace.views[v], plan.views[v]));
  for (const BoxSetTrace& set : sample.trace.box_sets) sets.push_back(json_of(set));
  for (std::size_t p = 0; p < plan.pairs.size(); ++p) {
    pairs.push_back({{"view_a", plan.pairs[p].a},
                     {"view_b", plan.pairs[p].b},
                     {"box_set", sample.trace.box_set_of_pair[p]},
                     {"a", json_of(sample.pairs[p].a)},
                     {"b", json_of(sample.pairs[p].b)}});
  }
  return {{"height", proposals.height},
          {"width", proposals.width},
          {"num_boxes", plan.num_boxes},
          {"level_thresholds", plan.level_thresholds},
          {"proposals", json_of(proposals.boxes)},
          {"views", views},
          {"box_sets", sets},
          {"pairs", pairs}};
}

void write_case(const std::filesystem::path& folder, const Image& image, const ProposalSet& proposals,
                const ViewPlan& plan, const Sample& sample) {
  std::filesystem::create_directories(folder);
  write_raw(folder / "image.rgb", image.pixels);
  for (std::size_t v = 0; v < sample.views.size(); ++v) {
    write_raw(folder / ("view" + std::to_string(v) + ".f32"), sample.views[v]);
  }
  std::ofstream(folder / "case.json") << json_of(sample, plan, proposals).dump();
}

// Every random decision is taken here and replayed by Pillow, torchvision and numpy: views must be equal value for
// value, boxes, ids and levels number for number.
TEST(SampleOracle, AgreesWithPillowTorchvisionAndNumpy) {
  const char* python = std::getenv("SOCO_ORACLE_PYTHON");
  if (python == nullptr) {
    GTEST_SKIP() << "set SOCO_ORACLE_PYTHON to a Python with Pillow, torchvision and numpy for "
                    "tests/oracles/sample_oracle.py";
  }
  const testing::TempDir dir;
  const std::vector<ViewPlan> plans{soco_fpn_view_plan(true), testing::star_plan(), testing::c4_plan()};
  Rng shapes(21, 0, 0, purpose::kSynth);
  for (int i = 0; i < 216; ++i) {  // 200 of soco_fpn_100ep, 8 of each other plan
    const ViewPlan& plan = plans[i < 200 ? 0 : 1 + i % 2];
    const bool is_long = i % 50 == 23;  // needs the central crop
    const int height = is_long ? 60 : 100 + static_cast<int>(shapes.uniform_int(i % 8 == 0 ? 500 : 200));
    const int width = is_long ? 400 : 100 + static_cast<int>(shapes.uniform_int(i % 8 == 0 ? 500 : 200));
    const ProposalSet proposals = testing::test_proposals(height, width, i < 3 ? i : 12, i);  // none, one, two, many
    const Image image = testing::test_image(height, width, i);
    Rng rng(21, 0, i, purpose::kViews);
    write_case(dir / ("case" + std::to_string(100 + i)), image, proposals, plan,
               make_sample(image, proposals, plan, rng));
  }
  const auto script = testing::test_path("oracles/sample_oracle.py");
  const std::string command = "'" + std::string(python) + "' '" + script.string() + "' '" + dir.path().string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace soco

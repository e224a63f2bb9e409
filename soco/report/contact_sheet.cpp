// SPDX-License-Identifier: MIT
#include "soco/report/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "soco/base/error.h"
#include "soco/data/transforms/boxes.h"
#include "soco/data/transforms/level.h"
#include "soco/image/draw.h"
#include "soco/image/resize.h"

namespace soco {
namespace {

constexpr int kGap = 6;           // px between cells
constexpr int kLine = 11;         // px of a line of text
constexpr int kMinCell = 224;     // smaller views are magnified up to this
constexpr int kMaxCell = 448;     // larger views and sources are reduced to this
constexpr int kSourceCell = 320;  // largest side of the source image's cell
constexpr std::int64_t kMaxPixels = 100'000'000;

constexpr Color kPaper{24, 24, 28}, kInk{230, 230, 230}, kFaint{150, 150, 150}, kWhite{255, 255, 255};
// Far apart in hue and of similar lightness; ids beyond the list begin it again.
constexpr std::array<Color, 8> kIdColors{Color{255, 90, 80},  Color{90, 220, 90},   Color{90, 160, 255},
                                         Color{255, 210, 60}, Color{230, 110, 255}, Color{70, 225, 225},
                                         Color{255, 150, 50}, Color{190, 230, 120}};
constexpr std::array<Color, 4> kViewColors{Color{255, 255, 255}, Color{255, 255, 0}, Color{0, 255, 255},
                                           Color{255, 0, 255}};

Color id_color(int id) { return kIdColors[static_cast<std::size_t>(std::abs(id)) % kIdColors.size()]; }
Color view_color(std::size_t view) { return kViewColors[view % kViewColors.size()]; }

// A rectangle of whole px on the sheet.
struct Rect {
  int x1, y1, x2, y2;
};

bool overlap(const Rect& a, const Rect& b) { return a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2; }

// A picture on the sheet together with the map onto it from coordinates in [0, 1].
struct Cell {
  int x = 0, y = 0, width = 0, height = 0;

  Rect place(double x1, double y1, double x2, double y2) const {
    const auto at = [](double share, int size) {
      return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * size));
    };
    return {x + at(x1, width), y + at(y1, height), x + at(x2, width), y + at(y2, height)};
  }
  Rect place(const Box& box) const { return place(box.x1, box.y1, box.x2, box.y2); }
};

// The displayed side of a square view: magnified by whole numbers, so that its pixels stay visible as they are.
int displayed_side(int size) {
  return size < kMinCell ? size * ((kMinCell + size / 2) / size) : std::min(size, kMaxCell);
}

// Texts on a dark ground that do not cover each other as long as there is a free corner.
class Labels {
 public:
  void add(Image& sheet, const Rect& box, const Cell& cell, std::string_view text, Color color) {
    const int width = text_width(text) + 3, height = kTextHeight + 3;
    const std::array<std::array<int, 2>, 5> corners{{{box.x1, box.y1},
                                                     {box.x2 - width, box.y1},
                                                     {box.x1, box.y2 - height},
                                                     {box.x2 - width, box.y2 - height},
                                                     {box.x1, box.y1 + height}}};
    Rect best{};
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const int x = std::clamp(corners[i][0], cell.x, std::max(cell.x, cell.x + cell.width - width));
      const int y = std::clamp(corners[i][1], cell.y, std::max(cell.y, cell.y + cell.height - height));
      const Rect place{x, y, x + width, y + height};
      if (i == 0) best = place;
      if (std::none_of(used_.begin(), used_.end(), [&](const Rect& used) { return overlap(used, place); })) {
        best = place;
        break;
      }
    }
    used_.push_back(best);
    fill_rectangle(sheet, best.x1, best.y1, best.x2, best.y2, kPaper);
    draw_text(sheet, best.x1 + 2, best.y1 + 2, text, color);
  }

 private:
  std::vector<Rect> used_;
};

std::string level_name(int level) { return level == kNoLevel ? "-" : fmt::format("P{}", level + 2); }

std::string caption(const ViewOptions& options, const ViewTrace& trace) {
  const PhotometricDecision& photometric = trace.photometric;
  std::string text = fmt::format("{} {}", options.name, options.size);
  if (trace.flipped) text += " flip";
  if (photometric.jitter) text += " jitter";
  if (photometric.gray) text += " gray";
  if (photometric.blur) text += fmt::format(" blur {:.1f}", photometric.blur_radius);
  if (photometric.solarize) text += " solarize";
  return text;
}

// Text cut to what fits, so that it does not run into the next column.
void draw_fitting_text(Image& sheet, int x, int y, std::string text, Color color, int width) {
  while (!text.empty() && text_width(text) > width) text.pop_back();
  draw_text(sheet, x, y, text, color);
}

void check_fit(const DrawnSample& drawn, const ViewPlan& plan) {
  const Sample& sample = drawn.sample;
  const SampleTrace& trace = sample.trace;
  if (sample.views.size() != plan.views.size() || trace.views.size() != plan.views.size() ||
      sample.pairs.size() != plan.pairs.size() || trace.box_set_of_pair.size() != plan.pairs.size()) {
    fail("{}: the sample has {} views and {} pairs, the plan {} and {}; draw a sample with the plan that made it",
         drawn.title, sample.views.size(), sample.pairs.size(), plan.views.size(), plan.pairs.size());
  }
  if (drawn.image.height < 1 || drawn.image.width < 1) fail("{}: has no source image to draw", drawn.title);
}

class Sheet {
 public:
  Sheet(const std::vector<DrawnSample>& samples, const ViewPlan& plan) : plan_(plan) {
    std::int64_t x = kGap + kSourceCell + kGap, height = kGap;
    int tallest_view = 0;
    for (const ViewOptions& view : plan.views) {
      columns_.push_back(static_cast<int>(x));
      x += displayed_side(view.size) + kGap;
      tallest_view = std::max(tallest_view, displayed_side(view.size));
    }
    for (const DrawnSample& drawn : samples) {
      rows_.push_back(static_cast<int>(std::min(height, kMaxPixels)));
      height += std::max(tallest_view, source_cell(drawn.image, 0).height) + kLine + kGap;
    }
    height += 4 * kLine;
    if (height * x > kMaxPixels) {
      fail("{} samples with {} views would make a sheet of {} x {} px; draw fewer samples at a time", samples.size(),
           plan.views.size(), height, x);
    }
    image_ = make_image(static_cast<int>(height), static_cast<int>(x));
    fill_rectangle(image_, 0, 0, image_.width, image_.height, kPaper);
  }

  void draw_row(const DrawnSample& drawn, std::size_t row) {
    const int y = rows_[row];
    draw_source(drawn, y);
    for (std::size_t view = 0; view < plan_.views.size(); ++view) draw_view(drawn, view, y);
  }

  void draw_legend() {
    const int y = image_.height - 4 * kLine + 2;
    int x = kGap;
    for (std::size_t view = 0; view < plan_.views.size(); ++view) {
      const std::string text = "crop of " + plan_.views[view].name;
      draw_rectangle(image_, x, y, x + 10, y + 7, view_color(view), 2);
      draw_text(image_, x + 14, y, text, kInk);
      x += 14 + text_width(text) + 2 * kGap;
    }
    draw_text(image_, kGap, y + kLine, "thin gray: all proposals   colours: boxes by id, equal ids match", kInk);
    draw_text(image_, kGap, y + 2 * kLine,
              "label: id/level, pair:id/level where a view has several pairs   dashed: before the jitter   "
              "white: cutout",
              kInk);
  }

  Image take() { return std::move(image_); }

 private:
  static Cell source_cell(const Image& source, int y) {
    const double scale = std::min(1.0, static_cast<double>(kSourceCell) / std::max(source.height, source.width));
    const auto scaled = [scale](int side) { return std::max(1, static_cast<int>(side * scale)); };
    return {kGap, y, scaled(source.width), scaled(source.height)};
  }

  void draw_source(const DrawnSample& drawn, int y) {
    const Image& source = drawn.image;
    const Cell cell = source_cell(source, y);
    paste(image_, crop_and_resize(source, {0, 0, source.width, source.height}, cell.height, cell.width), cell.x,
          cell.y);
    const auto place = [&](double x1, double y1, double x2, double y2) {
      return cell.place(x1 / source.width, y1 / source.height, x2 / source.width, y2 / source.height);
    };
    const auto outline = [&](const Rect& rect, Color color, int thickness) {
      draw_rectangle(image_, rect.x1, rect.y1, rect.x2, rect.y2, color, thickness);
    };
    const auto& boxes = drawn.proposals.boxes;
    for (const Box& box : boxes) outline(place(box.x1, box.y1, box.x2, box.y2), kFaint, 1);
    for (std::size_t view = 0; view < plan_.views.size(); ++view) {
      const CropRect& crop = drawn.sample.trace.views[view].crop;
      outline(place(crop.x, crop.y, crop.x + crop.width, crop.y + crop.height), view_color(view), 2);
    }
    std::set<int> selected;
    for (const BoxSetTrace& set : drawn.sample.trace.box_sets) {
      selected.insert(set.selected_ids.begin(), set.selected_ids.end());
    }
    Labels labels;
    for (const int id : selected) {
      if (id < 1 || id > static_cast<int>(boxes.size())) continue;  // an image without proposals
      const Box& box = boxes[static_cast<std::size_t>(id - 1)];
      const Rect rect = place(box.x1, box.y1, box.x2, box.y2);
      outline(rect, id_color(id), 1);
      labels.add(image_, rect, cell, fmt::format("{}", id), id_color(id));
    }
    draw_fitting_text(image_, cell.x, cell.y + cell.height + 2,
                      fmt::format("{} {}x{} {} proposals", drawn.title, source.width, source.height, boxes.size()),
                      kInk, kSourceCell);
  }

  void draw_view(const DrawnSample& drawn, std::size_t view, int y) {
    const int size = plan_.views[view].size, side = displayed_side(size);
    const Cell cell{columns_[view], y, side, side};
    const Image pixels = image_from_view(drawn.sample.views[view], size);
    paste(image_, crop_and_resize(pixels, {0, 0, size, size}, side, side), cell.x, cell.y);
    const ViewTrace& trace = drawn.sample.trace.views[view];
    for (const CutoutRect& cut : trace.cutouts) {
      const double scale = 1.0 / size;
      const Rect rect = cell.place(cut.x1 * scale, cut.y1 * scale, (cut.x2 + 1) * scale, (cut.y2 + 1) * scale);
      draw_rectangle(image_, rect.x1, rect.y1, rect.x2, rect.y2, kWhite, 1);
    }
    Labels labels;
    for (std::size_t pair = 0; pair < plan_.pairs.size(); ++pair) {
      if (plan_.pairs[pair].a == static_cast<int>(view)) {
        for (const Box& box : unjittered_boxes(drawn.proposals, drawn.sample, plan_, static_cast<int>(pair))) {
          const Rect rect = cell.place(box);
          draw_dashed_rectangle(image_, rect.x1, rect.y1, rect.x2, rect.y2, kFaint);
        }
        draw_boxes(drawn.sample.pairs[pair].a, view, pair, cell, labels);
      }
      if (plan_.pairs[pair].b == static_cast<int>(view)) {
        draw_boxes(drawn.sample.pairs[pair].b, view, pair, cell, labels);
      }
    }
    draw_fitting_text(image_, cell.x, cell.y + side + 2, caption(plan_.views[view], trace), kInk, side);
  }

  void draw_boxes(const SampleSide& side, std::size_t view, std::size_t pair, const Cell& cell, Labels& labels) {
    for (std::size_t i = 0; i < side.boxes.size(); ++i) {
      const auto same = [&](std::size_t j) { return side.ids[j] == side.ids[i] && side.boxes[j] == side.boxes[i]; };
      std::size_t first = 0;
      while (!same(first)) ++first;
      if (first < i) continue;  // padding repeats boxes
      const Rect rect = cell.place(side.boxes[i]);
      const std::string pair_name = num_pairs_of(view) > 1 ? fmt::format("{}:", pair) : "";
      // Plans without thresholds have a single feature map, so there is no level to tell.
      const std::string level = plan_.level_thresholds.empty() ? "" : "/" + level_name(side.levels[i]);
      const Color color = id_color(side.ids[i]);
      draw_rectangle(image_, rect.x1, rect.y1, rect.x2, rect.y2, color, 1);
      labels.add(image_, rect, cell, fmt::format("{}{}{}", pair_name, side.ids[i], level), color);
    }
  }

  std::int64_t num_pairs_of(std::size_t view) const {
    const int index = static_cast<int>(view);
    return std::count_if(plan_.pairs.begin(), plan_.pairs.end(),
                         [index](const PairOptions& pair) { return pair.a == index || pair.b == index; });
  }

  const ViewPlan& plan_;
  std::vector<int> columns_;  // left edge of each view's column
  std::vector<int> rows_;     // top of each sample's row
  Image image_;
};

}  // namespace

Image image_from_view(const std::vector<float>& view, int size) {
  const std::size_t plane = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  if (size < 1 || view.size() != 3 * plane) {
    fail("a view of size {} needs 3 x {} x {} values, there are {}", size, size, size, view.size());
  }
  Image image = make_image(size, size);
  for (std::size_t i = 0; i < plane; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const float value = (view[c * plane + i] * kImageNetStd[c] + kImageNetMean[c]) * 255.0F;
      image.pixels[3 * i + c] = static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
    }
  }
  return image;
}

std::vector<Box> unjittered_boxes(const ProposalSet& proposals, const Sample& sample, const ViewPlan& plan, int pair) {
  const SampleTrace& trace = sample.trace;
  const auto index = static_cast<std::size_t>(pair);
  const BoxSetTrace& set = trace.box_sets.at(static_cast<std::size_t>(trace.box_set_of_pair.at(index)));
  const ViewTrace& view = trace.views.at(static_cast<std::size_t>(plan.pairs.at(index).a));
  const std::vector<IdBox> all = id_boxes_from_proposals(proposals);
  std::vector<Box> boxes;
  for (std::size_t i = 0; i < set.selected_ids.size(); ++i) {
    const auto id = static_cast<std::size_t>(set.selected_ids[i]);
    if (!set.jitters.at(i).active || id < 1 || id > all.size()) continue;
    if (!overlap_of(all[id - 1], corners_of_crop(view.crop))) continue;  // else clipping would give the whole crop
    const Box box = normalized_box(clip_boxes({all[id - 1]}, view.crop).front(), view.crop);
    boxes.push_back(view.flipped ? flip_box(box) : box);
  }
  return boxes;
}

Image draw_views(const std::vector<DrawnSample>& samples, const ViewPlan& plan) {
  if (samples.empty()) fail("there are no samples to draw");
  for (const DrawnSample& drawn : samples) check_fit(drawn, plan);
  Sheet sheet(samples, plan);
  for (std::size_t i = 0; i < samples.size(); ++i) sheet.draw_row(samples[i], i);
  sheet.draw_legend();
  return sheet.take();
}

}  // namespace soco

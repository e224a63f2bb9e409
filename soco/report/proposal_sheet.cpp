// SPDX-License-Identifier: MIT
#include "soco/report/proposal_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/image/draw.h"
#include "soco/image/resize.h"

namespace soco {
namespace {

constexpr int kCell = 360, kGap = 8, kLine = 11, kColumns = 4;  // px, columns of the sheet
constexpr std::int64_t kMaxPixels = 100'000'000;
constexpr std::size_t kNumbered = 5;  // boxes drawn thick, with their rank
constexpr Color kPaper{24, 24, 28}, kInk{230, 230, 230};

/// From yellow over red to blue.
Color rank_color(std::size_t rank, std::size_t count) {
  const double t = count > 1 ? static_cast<double>(rank) / static_cast<double>(count - 1) : 0;
  const auto mix = [](double from, double to, double share) {
    return static_cast<std::uint8_t>(std::lround(from + (to - from) * std::clamp(share, 0.0, 1.0)));
  };
  return {mix(255, 60, 2 * t - 1), mix(220, 40, 2 * t), mix(40, 255, 2 * t - 1)};
}

Image draw_one(const DrawnProposals& drawn, std::size_t num_boxes) {
  const Image& source = drawn.image;
  if (source.height < 1 || source.width < 1) fail("{}: has no image to draw", drawn.title);
  const double scale = std::min(1.0, static_cast<double>(kCell) / std::max(source.height, source.width));
  const int width = std::max(1, static_cast<int>(source.width * scale));
  const int height = std::max(1, static_cast<int>(source.height * scale));
  Image cell = make_image(height + 2 * kLine + 2, std::max(width, kCell));
  fill_rectangle(cell, 0, 0, cell.width, cell.height, kPaper);
  paste(cell, crop_and_resize(source, {0, 0, source.width, source.height}, height, width), 0, 0);
  const std::size_t count = std::min(num_boxes, drawn.boxes.size());
  for (std::size_t i = count; i-- > 0;) {  // the best last, on top
    const Box& b = drawn.boxes[i];
    const auto px = [scale](float value) { return static_cast<int>(std::lround(value * scale)); };
    const Color color = rank_color(i, count);
    draw_rectangle(cell, px(b.x1), px(b.y1), px(b.x2), px(b.y2), color, i < kNumbered ? 2 : 1);
    if (i >= kNumbered) continue;
    const std::string label = fmt::format("{}", i + 1);
    fill_rectangle(cell, px(b.x1), px(b.y1), px(b.x1) + text_width(label) + 3, px(b.y1) + kTextHeight + 3, kPaper);
    draw_text(cell, px(b.x1) + 2, px(b.y1) + 2, label, color);
  }
  std::string title = drawn.title;
  while (!title.empty() && text_width(title) > cell.width) title.erase(0, 1);  // a path's end tells more
  draw_text(cell, 0, height + 3, title, kInk);
  draw_text(cell, 0, height + 3 + kLine,
            fmt::format("{}x{}, {} of {} boxes", source.width, source.height, count, drawn.boxes.size()), kInk);
  return cell;
}

std::string bar(std::int64_t count, std::int64_t most) {
  return std::string(
      most > 0 ? static_cast<std::size_t>(std::ceil(40.0 * static_cast<double>(count) / static_cast<double>(most))) : 0,
      '#');
}

/// Lines "label count bar", without the empty ones at both ends.
template <class Label>
std::string histogram(const std::vector<std::int64_t>& counts, const Label& label) {
  const auto is_filled = [](std::int64_t count) { return count > 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), is_filled) - counts.begin();
  const auto last = std::find_if(counts.rbegin(), counts.rend(), is_filled).base() - counts.begin();
  const std::int64_t most = *std::max_element(counts.begin(), counts.end());
  std::string out;
  for (auto i = first; i < last; ++i) {
    const std::int64_t count = counts[static_cast<std::size_t>(i)];
    out += fmt::format("  {:>13} {:>12} {}\n", label(static_cast<int>(i)), format_count(count), bar(count, most));
  }
  return out;
}

}  // namespace

Image draw_proposals(const std::vector<DrawnProposals>& images, int num_boxes) {
  if (images.empty()) fail("there are no images with proposals to draw");
  const auto num_cells = static_cast<std::int64_t>(images.size());
  if (num_cells * (kCell + kGap) * (kCell + 2 * kLine + kGap) > kMaxPixels) {
    fail("{} images would make a sheet of more than {} pixels; draw fewer at a time", num_cells, kMaxPixels);
  }
  std::vector<Image> cells;
  for (const DrawnProposals& drawn : images) cells.push_back(draw_one(drawn, static_cast<std::size_t>(num_boxes)));
  return contact_sheet(cells, std::min(kColumns, static_cast<int>(num_cells)), kGap, kPaper);
}

void ProposalHistograms::add(int height, int width, const std::vector<Box>& boxes, std::size_t num_kept) {
  ++num_images_;
  num_boxes_ += static_cast<std::int64_t>(boxes.size());
  num_kept_ += static_cast<std::int64_t>(num_kept);
  ++counts_[std::min<std::size_t>(std::bit_width(boxes.size()), counts_.size() - 1)];
  const double image_side = std::sqrt(static_cast<double>(height) * width);
  for (const Box& b : boxes) {
    const double size = std::sqrt(static_cast<double>(b.width()) * b.height()) / image_side;
    ++sizes_[static_cast<std::size_t>(std::clamp(size * 10, 0.0, 9.0))];
    const double power = std::floor(std::log2(static_cast<double>(b.width()) / b.height()));
    ++aspects_[static_cast<std::size_t>(std::clamp(power + 4, 0.0, 7.0))];
  }
}

std::string ProposalHistograms::text() const {
  const auto of_images = [](int i) {
    return i <= 1 ? fmt::format("{}", i) : fmt::format("{} - {}", 1ll << (i - 1), (1ll << i) - 1);
  };
  const auto of_sizes = [](int i) { return fmt::format("{:.1f} - {:.1f}", i / 10.0, (i + 1) / 10.0); };
  const auto of_aspects = [](int i) {
    const auto side = [](int power) {
      return power < 0 ? fmt::format("1/{}", 1 << -power) : fmt::format("{}", 1 << power);
    };
    return i == 0 ? "under 1/8" : i == 7 ? "over 8" : fmt::format("{} - {}", side(i - 4), side(i - 3));
  };
  const double share = num_boxes_ > 0 ? 100.0 * static_cast<double>(num_kept_) / static_cast<double>(num_boxes_) : 0;
  return fmt::format("{} images ({} bad), {} boxes, the filter keeps {} ({:.1f} %)\n",
                     format_count(num_images_ + num_bad_), num_bad_, format_count(num_boxes_), format_count(num_kept_),
                     share) +
         "images by number of boxes\n" + histogram(counts_, of_images) +
         "boxes by size, sqrt(box area / image area)\n" + histogram(sizes_, of_sizes) + "boxes by width / height\n" +
         histogram(aspects_, of_aspects);
}

}  // namespace soco

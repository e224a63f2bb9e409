// SPDX-License-Identifier: MIT
#include "soco/structures/mask_rle.h"

#include <algorithm>
#include <limits>

#include "soco/base/error.h"

namespace soco {
namespace {

std::uint64_t checked_pixels(int height, int width) {
  const std::uint64_t pixels =
      static_cast<std::uint64_t>(std::max(height, 0)) * static_cast<std::uint64_t>(std::max(width, 0));
  if (height < 1 || width < 1 || height > kMaxMaskSide || width > kMaxMaskSide ||
      pixels > std::numeric_limits<std::uint32_t>::max()) {
    fail("a mask of {} x {} pixels; sides go from 1 to {}, pixels to 2^32 - 1", width, height, kMaxMaskSide);
  }
  return pixels;
}

/// Appends runs of either kind, joining neighbours of one kind and leaving out those of no length.
class RunWriter {
 public:
  RunWriter(int height, int width) : pixels_(checked_pixels(height, width)) {
    mask_.height = height;
    mask_.width = width;
  }

  void add(std::int64_t length, bool inside) {
    if (length < 0) fail("a run of {} pixels in a mask", length);
    sum_ += static_cast<std::uint64_t>(length);
    if (sum_ > pixels_) fail_sum("more than");
    if (length == 0) return;
    if (mask_.runs.size() % 2 == (inside ? 0 : 1)) {
      if (mask_.runs.empty()) {
        mask_.runs.push_back(0);
      } else {
        mask_.runs.back() += static_cast<std::uint32_t>(length);
        return;
      }
    }
    mask_.runs.push_back(static_cast<std::uint32_t>(length));
  }

  MaskRle finish() {
    if (sum_ != pixels_) fail_sum(fmt::format("to {}, not", sum_));
    return std::move(mask_);
  }
  MaskRle& mask() { return mask_; }

 private:
  [[noreturn]] void fail_sum(std::string_view to) const {
    fail("the runs of a mask add up {} {} x {} = {} pixels", to, mask_.width, mask_.height, pixels_);
  }

  std::uint64_t pixels_, sum_ = 0;
  MaskRle mask_;
};

/// Walks two masks together: on_run(length, in_a, in_b) for each stretch in which neither changes.
template <class F>
void walk(const MaskRle& a, const MaskRle& b, const F& on_run) {
  SOCO_ASSERT(a.height == b.height && a.width == b.width);
  std::size_t i = 0, j = 0;
  std::uint32_t left_a = 0, left_b = 0;
  while (true) {
    while (left_a == 0 && i < a.runs.size()) left_a = a.runs[i++];
    while (left_b == 0 && j < b.runs.size()) left_b = b.runs[j++];
    const std::uint32_t length = std::min(left_a, left_b);
    if (length == 0) return;
    on_run(length, i % 2 == 0, j % 2 == 0);
    left_a -= length;
    left_b -= length;
  }
}

}  // namespace

MaskRle mask_from_counts(int height, int width, std::span<const std::int64_t> counts) {
  RunWriter writer(height, width);
  for (std::size_t i = 0; i < counts.size(); ++i) writer.add(counts[i], i % 2 == 1);
  return writer.finish();
}

MaskRle mask_from_text(int height, int width, std::string_view text) {
  RunWriter writer(height, width);
  writer.mask().runs.reserve(text.size());
  std::int64_t before[2] = {0, 0};  // the numbers two and one before
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    std::int64_t value = 0;
    for (int shift = 0;; shift += 5) {
      if (at == text.size()) fail("the text of a mask ends inside a number");
      const int c = static_cast<unsigned char>(text[at++]) - 48;
      if (c < 0 || c > 63) fail("character {} in the text of a mask; expected '0' to 'o'", c + 48);
      if (shift > 35) fail("a number of more than 8 characters in the text of a mask");
      value |= static_cast<std::int64_t>(c & 0x1f) << shift;
      if ((c & 0x20) != 0) continue;
      if ((c & 0x10) != 0) value -= std::int64_t{1} << (shift + 5);
      break;
    }
    if (count > 2) value += before[0];
    writer.add(value, count % 2 == 1);
    before[0] = before[1];
    before[1] = value;
  }
  return writer.finish();
}

std::string mask_text(const MaskRle& mask) {
  return text_of_counts(std::vector<std::int64_t>(mask.runs.begin(), mask.runs.end()));
}

std::string text_of_counts(std::span<const std::int64_t> counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::int64_t value = i > 2 ? counts[i] - counts[i - 2] : counts[i];
    for (bool more = true; more;) {
      std::int64_t c = value & 0x1f;
      value >>= 5;
      more = (c & 0x10) != 0 ? value != -1 : value != 0;
      if (more) c |= 0x20;
      text.push_back(static_cast<char>(c + 48));
    }
  }
  return text;
}

MaskRle mask_from_pixels(int height, int width, std::span<const std::uint8_t> pixels) {
  SOCO_ASSERT(pixels.size() == checked_pixels(height, width));
  RunWriter writer(height, width);
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      writer.add(
          1, pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] != 0);
    }
  }
  return writer.finish();
}

std::vector<std::uint8_t> mask_pixels(const MaskRle& mask) {
  const auto height = static_cast<std::size_t>(mask.height), width = static_cast<std::size_t>(mask.width);
  std::vector<std::uint8_t> pixels(height * width, 0);
  std::size_t at = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    const std::size_t end = at + mask.runs[i];
    for (; at < end; ++at) pixels[at % height * width + at / height] = i % 2;
  }
  return pixels;
}

MaskRle mask_from_segmentation(int height, int width, const Segmentation& segmentation) {
  if (!segmentation.polygons.empty()) return mask_from_polygons(height, width, segmentation.polygons);
  SOCO_ASSERT(segmentation.mask.has_value());
  const MaskText& text = *segmentation.mask;
  if (text.height != height || text.width != width) {
    fail("a mask of {} x {} pixels in an image of {} x {}", text.width, text.height, width, height);
  }
  return mask_from_text(height, width, text.counts);
}

std::int64_t mask_area(const MaskRle& mask) {
  std::int64_t area = 0;
  for (std::size_t i = 1; i < mask.runs.size(); i += 2) area += mask.runs[i];
  return area;
}

CocoBox mask_box(const MaskRle& mask) {
  const auto height = static_cast<std::uint32_t>(mask.height);
  std::uint32_t x1 = std::numeric_limits<std::uint32_t>::max(), y1 = x1, x2 = 0, y2 = 0, at = 0;
  for (std::size_t i = 0; i + 1 < mask.runs.size(); i += 2) {
    const std::uint32_t first = at + mask.runs[i], last = first + mask.runs[i + 1] - 1;
    const bool turns = first / height != last / height;  // through a column's end: all rows
    x1 = std::min(x1, first / height);
    x2 = std::max(x2, last / height);
    y1 = turns ? 0 : std::min(y1, first % height);
    y2 = turns ? height - 1 : std::max(y2, last % height);
    at = last + 1;
  }
  if (mask.runs.size() < 2) return {};
  return {static_cast<double>(x1), static_cast<double>(y1), static_cast<double>(x2 - x1 + 1),
          static_cast<double>(y2 - y1 + 1)};
}

MaskRle merge_masks(std::span<const MaskRle> masks, MaskOperation operation) {
  SOCO_ASSERT(!masks.empty());
  MaskRle merged = masks[0];
  for (const MaskRle& mask : masks.subspan(1)) {
    if (mask.height != merged.height || mask.width != merged.width) {
      fail("masks of {} x {} and {} x {} pixels cannot be merged", merged.width, merged.height, mask.width,
           mask.height);
    }
    RunWriter writer(merged.height, merged.width);
    walk(merged, mask, [&](std::uint32_t length, bool a, bool b) {
      writer.add(length, operation == MaskOperation::kUnion ? a || b : a && b);
    });
    merged = writer.finish();
  }
  return merged;
}

namespace {

/// The pixel of `in` under each of `out` pixels' centres. Pillow adds the step up pixel by pixel, with its rounding.
std::vector<int> nearest_pixels(int in, int out) {
  const double step = static_cast<double>(in) / out;
  std::vector<int> pixels(static_cast<std::size_t>(out));
  double at = step * 0.5;
  for (int& pixel : pixels) {
    pixel = std::min(static_cast<int>(at), in - 1);
    at += step;
  }
  return pixels;
}

}  // namespace

MaskRle resize_mask(const MaskRle& mask, int height, int width, MaskMirror mirror) {
  RunWriter writer(height, width);
  std::vector<std::uint8_t> inside;  // column after column
  inside.reserve(static_cast<std::size_t>(mask.height) * static_cast<std::size_t>(mask.width));
  for (std::size_t i = 0; i < mask.runs.size(); ++i) inside.insert(inside.end(), mask.runs[i], i % 2);
  const std::vector<int> columns = nearest_pixels(mask.width, width), rows = nearest_pixels(mask.height, height);
  for (int x = 0; x < width; ++x) {
    const int from = columns[static_cast<std::size_t>(mirror == MaskMirror::kYes ? width - 1 - x : x)];
    const std::uint8_t* column = inside.data() + static_cast<std::ptrdiff_t>(from) * mask.height;
    for (const int y : rows) writer.add(1, column[y] != 0);
  }
  return writer.finish();
}

MaskRle place_mask(const MaskRle& mask, int height, int width, int x, int y) {
  SOCO_ASSERT(x >= 0 && y >= 0 && x <= width - mask.width && y <= height - mask.height);
  RunWriter writer(height, width);
  writer.add(static_cast<std::int64_t>(x) * height + y, false);
  const std::int64_t gap = height - mask.height;
  std::int64_t row = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    for (std::int64_t left = mask.runs[i]; left > 0;) {
      if (row == mask.height) {
        writer.add(gap, false);
        row = 0;
      }
      const std::int64_t length = std::min(left, mask.height - row);
      writer.add(length, i % 2 == 1);
      left -= length;
      row += length;
    }
  }
  writer.add(static_cast<std::int64_t>(width - x - mask.width) * height + gap - y, false);
  return writer.finish();
}

double mask_iou(const MaskRle& mask, const MaskRle& object, bool is_crowd) {
  std::uint64_t common = 0, joint = 0;
  walk(mask, object, [&](std::uint32_t length, bool a, bool b) {
    if (a && b) common += length;
    if (is_crowd ? a : a || b) joint += length;
  });
  return common == 0 ? 0 : static_cast<double>(common) / static_cast<double>(joint);
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/engine/finish_views.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "soco/base/error.h"
#include "soco/image/blur.h"
#include "soco/image/normalize.h"

namespace soco {
namespace {

/// A float32 tensor of one element where `like` is. A division by a number instead of such a tensor is a product with
/// its inverse on a GPU, which rounds differently.
torch::Tensor constant(float value, const torch::Tensor& like) { return torch::full({1}, value, like.options()); }

/// One number for each image, [n, 1, 1, 1].
template <class T>
torch::Tensor column(const std::vector<T>& values, torch::ScalarType type, const torch::Device& device) {
  return torch::tensor(values, torch::TensorOptions().dtype(type)).to(device).view({-1, 1, 1, 1});
}

/// Images that have a step, with a number for each.
struct Members {
  std::vector<std::int64_t> rows;
  std::vector<float> values;
  void add(std::size_t row, float value) {
    rows.push_back(static_cast<std::int64_t>(row));
    values.push_back(value);
  }
};

/// Puts `step(images, values)` in the place of the members' images. x: [N, C, H, W].
template <class Step>
void change_members(torch::Tensor& x, const Members& members, const Step& step) {
  if (members.rows.empty()) return;
  const torch::Tensor rows = torch::tensor(members.rows).to(x.device());
  x.index_copy_(0, rows, step(x.index_select(0, rows), column(members.values, torch::kFloat32, x.device())));
}

/// The members that `value(changes)` gives a number for.
template <class Value>
Members members_of(std::span<const ViewChanges> changes, const Value& value) {
  Members members;
  for (std::size_t row = 0; row < changes.size(); ++row)
    if (const std::optional<float> number = value(changes[row])) members.add(row, *number);
  return members;
}

/// What lies between 0 and 256, truncated.
torch::Tensor blended(const torch::Tensor& x, const torch::Tensor& degenerate, const torch::Tensor& factor) {
  return x.sub(degenerate).mul_(factor).add_(degenerate).clamp_(0, 255).trunc_();
}

/// ITU-R 601-2, [n, 1, H, W]. All terms are whole and their sum is below 2^24.
torch::Tensor luminance(const torch::Tensor& x) {
  const auto channel = [&](int c) { return x.narrow(1, c, 1); };
  const auto sum = channel(0).mul(19595).add_(channel(1).mul(38470)).add_(channel(2).mul(7471)).add_(32768);
  return (sum * (1.0 / 65536)).floor_();
}

torch::Tensor with_contrast(const torch::Tensor& x, const torch::Tensor& factor) {
  const auto sum = luminance(x).sum({1, 2, 3}, /*keepdim=*/true, torch::kFloat64);
  const auto mean = sum / torch::full({1}, static_cast<double>(x.size(2) * x.size(3)), sum.options());
  return blended(x, (mean + 0.5).floor_().to(torch::kFloat32), factor);
}

/// Pillow's 8-bit hue, 0..255; see the kernel of adjust_hue, whose steps these are.
torch::Tensor hue_of(const torch::Tensor& r, const torch::Tensor& g, const torch::Tensor& b, const torch::Tensor& most,
                     const torch::Tensor& least) {
  const auto middle = (r + g).add_(b).sub_(most + least);
  const auto distance = (most - middle).div_((most - least).clamp_min_(1));
  const auto for_red = torch::where(b == least, 1 - distance, distance - 1);
  const auto for_green = torch::where(b == least, 1 + distance, 3 - distance);
  const auto for_blue = torch::where(g == least, 5 - distance, 3 + distance);
  const auto sixths = torch::where(r == most, for_red, torch::where(g == most, for_green, for_blue));
  const auto turns = sixths / constant(6, sixths);
  return torch::where(turns < 0, turns + 1, turns).mul_(255).trunc_();
}

/// `shift`: 0..255, as added to Pillow's hue.
torch::Tensor with_hue(const torch::Tensor& x, const torch::Tensor& shift) {
  const auto r = x.narrow(1, 0, 1), g = x.narrow(1, 1, 1), b = x.narrow(1, 2, 1);
  const auto most = std::get<0>(x.max(1, /*keepdim=*/true)), least = std::get<0>(x.min(1, /*keepdim=*/true));
  auto hue = hue_of(r, g, b, most, least) + shift;
  hue = torch::where(hue >= 256, hue - 256, hue);
  const auto saturation = (most - least).div_(most.clamp_min(1)).mul_(255).trunc_();
  // The hue in sextants: 6 hue / 255, whole part and remainder. (Sextant 6, remainder 0, is hue 255: as sextant 0.)
  const auto six = hue * 6;
  const auto sextant = ((six * (1.0 / 256)).floor_().add_(six).add_(1) * (1.0 / 256)).floor_();
  const auto rest = six - sextant * 255;
  const auto odd = (sextant == 1).logical_or_(sextant == 3).logical_or_(sextant == 5);
  const auto part = torch::where(odd, rest, 255 - rest);
  const auto middle_numerator = most * (65025 - saturation * part);
  const auto middle = ((middle_numerator + 32512) * constant(1.0f / 65025.0f, x)).trunc_();
  const auto low_numerator = most * (255 - saturation);
  const auto low = ((low_numerator + 127.5) * constant(1.0f / 255.0f, x)).trunc_();
  const auto in = [&](int a, int c) { return (sextant == a).logical_or_(sextant == c); };
  const auto red = torch::where(in(1, 4), middle, torch::where(in(2, 3), low, most));
  const auto green = torch::where(in(1, 2), most, torch::where(in(4, 5), low, middle));
  const auto blue = torch::where(in(3, 4), most, torch::where(in(2, 5), middle, low));
  return torch::cat({red, green, blue}, 1);
}

/// The jitter's steps in each image's own order.
void jitter(torch::Tensor& x, std::span<const ViewChanges> changes) {
  const auto having = [&](std::size_t place, int step, double PhotometricDecision::*factor) {
    return members_of(changes, [&](const ViewChanges& c) -> std::optional<float> {
      const PhotometricDecision& p = c.photometric;
      const bool has = p.jitter && p.order[place] == step && p.enabled[static_cast<std::size_t>(step)];
      return has ? std::optional(static_cast<float>(p.*factor)) : std::nullopt;
    });
  };
  for (std::size_t place = 0; place < 4; ++place) {
    change_members(x, having(place, 0, &PhotometricDecision::brightness),
                   [](const auto& y, const auto& factor) { return blended(y, torch::zeros_like(factor), factor); });
    change_members(x, having(place, 1, &PhotometricDecision::contrast), with_contrast);
    change_members(x, having(place, 2, &PhotometricDecision::saturation),
                   [](const auto& y, const auto& factor) { return blended(y, luminance(y), factor); });
    Members hue = members_of(changes, [&](const ViewChanges& c) -> std::optional<float> {
      const PhotometricDecision& p = c.photometric;
      if (!p.jitter || p.order[place] != 3 || !p.enabled[3]) return std::nullopt;
      return static_cast<float>(static_cast<std::uint8_t>(static_cast<int>(p.hue * 255)));
    });
    change_members(x, hue, with_hue);
  }
}

/// One box over dimension `dim`, edges repeated. x: int64 [n, C, H, W].
torch::Tensor box_blurred(const torch::Tensor& x, int dim, int radius, const torch::Tensor& inner,
                          const torch::Tensor& outer) {
  const std::int64_t n = x.size(dim), pad = radius + 1;
  const auto places = torch::arange(-pad, n + pad, torch::TensorOptions().dtype(torch::kInt64).device(x.device()));
  const auto padded = x.index_select(dim, places.clamp(0, n - 1));
  const auto sums = padded.cumsum(dim);  // of all up to each
  const auto under = sums.narrow(dim, 2 * radius + 1, n) - sums.narrow(dim, 0, n);
  const auto beyond = padded.narrow(dim, 0, n) + padded.narrow(dim, 2 * pad, n);
  return (under * inner).add_(beyond * outer).add_(1 << 23).bitwise_right_shift(24);
}

/// Pillow's blur, of images whose boxes have the same whole radius.
void blur_together(torch::Tensor& x, const std::vector<std::int64_t>& rows, const std::vector<kernels::Box24>& boxes) {
  std::vector<std::int64_t> inner, outer;
  for (const kernels::Box24& box : boxes) {
    inner.push_back(box.inner);
    outer.push_back(box.outer);
  }
  const auto index = torch::tensor(rows).to(x.device());
  const auto in = column(inner, torch::kInt64, x.device()), out = column(outer, torch::kInt64, x.device());
  auto y = x.index_select(0, index).to(torch::kInt64);
  for (const int dim : {3, 2})
    for (int pass = 0; pass < kBlurPasses; ++pass) y = box_blurred(y, dim, boxes[0].radius, in, out);
  x.index_copy_(0, index, y.to(torch::kFloat32));
}

void blur(torch::Tensor& x, std::span<const ViewChanges> changes) {
  constexpr std::size_t kMostTogether = 32;  // a number takes eight bytes here, in several tensors
  struct Group {
    std::vector<std::int64_t> rows;
    std::vector<kernels::Box24> boxes;
  };
  std::map<int, Group> groups;
  const auto flush = [&](Group& group) {
    if (!group.rows.empty()) blur_together(x, group.rows, group.boxes);
    group = {};
  };
  for (std::size_t row = 0; row < changes.size(); ++row) {
    if (!changes[row].photometric.blur) continue;
    const kernels::Box24 box = gaussian_box(changes[row].photometric.blur_radius);
    Group& group = groups[box.radius];
    group.rows.push_back(static_cast<std::int64_t>(row));
    group.boxes.push_back(box);
    if (group.rows.size() == kMostTogether) flush(group);
  }
  for (auto& [radius, group] : groups) flush(group);
}

/// x: [N, 3, H, W] normalised; pixels of the rectangles to 0.
void cut_out(torch::Tensor& x, std::span<const ViewChanges> changes) {
  std::size_t most = 0;
  for (const ViewChanges& c : changes) most = std::max(most, c.cutouts.size());
  const auto ints = torch::TensorOptions().dtype(torch::kInt64).device(x.device());
  const auto rows = torch::arange(x.size(2), ints).view({1, 1, -1, 1});
  const auto columns = torch::arange(x.size(3), ints).view({1, 1, 1, -1});
  for (std::size_t i = 0; i < most; ++i) {
    std::array<std::vector<std::int64_t>, 4> sides;
    for (const ViewChanges& c : changes) {
      const CutoutRect rect = i < c.cutouts.size() ? c.cutouts[i] : CutoutRect{0, 0, -1, -1};
      const std::array values{rect.x1, rect.y1, rect.x2, rect.y2};
      for (std::size_t s = 0; s < 4; ++s) sides[s].push_back(values[s]);
    }
    const auto side = [&](std::size_t s) { return column(sides[s], torch::kInt64, x.device()); };
    const auto inside_rows = (rows >= side(1)).logical_and_(rows <= side(3));
    const auto inside_columns = (columns >= side(0)).logical_and_(columns <= side(2));
    x.masked_fill_(inside_rows.logical_and(inside_columns), 0);
  }
}

torch::Tensor per_channel(const std::array<float, 3>& values, const torch::Tensor& like) {
  return torch::tensor({values[0], values[1], values[2]}).to(like.device()).view({1, 3, 1, 1});
}

}  // namespace

torch::Tensor finish_views(const torch::Tensor& pixels, std::span<const ViewChanges> changes) {
  SOCO_ASSERT(pixels.dim() == 4 && pixels.size(3) == 3 && pixels.scalar_type() == torch::kUInt8);
  SOCO_ASSERT(pixels.size(0) == static_cast<std::int64_t>(changes.size()));
  const torch::NoGradGuard no_grad;
  torch::Tensor x = pixels.permute({0, 3, 1, 2}).to(torch::kFloat32).contiguous();
  const auto having = [&](bool (*has)(const ViewChanges&), float (*value)(const ViewChanges&)) {
    return members_of(changes, [&](const ViewChanges& c) { return has(c) ? std::optional(value(c)) : std::nullopt; });
  };
  const auto none = [](const ViewChanges&) { return 0.0f; };
  jitter(x, changes);
  change_members(x, having([](const ViewChanges& c) { return c.photometric.gray; }, none),
                 [](const auto& y, const auto&) { return luminance(y).expand_as(y); });
  blur(x, changes);
  change_members(x,
                 having([](const ViewChanges& c) { return c.photometric.solarize; },
                        [](const ViewChanges& c) { return static_cast<float>(c.photometric.solarize_threshold); }),
                 [](const auto& y, const auto& threshold) { return torch::where(y >= threshold, 255 - y, y); });
  change_members(x, having([](const ViewChanges& c) { return c.flipped; }, none),
                 [](const auto& y, const auto&) { return y.flip({3}); });
  x.div_(constant(255, x)).sub_(per_channel(kImageNetMean, x)).div_(per_channel(kImageNetStd, x));
  cut_out(x, changes);
  return x;
}

}  // namespace soco

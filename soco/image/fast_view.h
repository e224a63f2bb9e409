// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "soco/image/fast_view_kernels.h"
#include "soco/image/resize.h"

namespace soco {

// Views made quickly: as the exact operations make them, but for rounding. Values keep six bits after the point from
// the image to the stored pixels, in planes of int16.

/// Memory of the functions below, kept between views by one thread.
struct FastView {
  int height = 0;
  int width = 0;
  std::vector<std::int16_t> values;  ///< [3, height, width], 64ths of a level

  ResizeWeights columns, rows;
  std::vector<std::int16_t> row_weights, column_weights, blur_weights, lines, line_columns, beyond, blurred;
  std::vector<const std::uint8_t*> row_taps;
  std::vector<const std::int16_t*> blur_taps;
  std::vector<float> kernel, folded;

  std::size_t num_pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  kernels::Planes16 planes() { return {values.data(), values.data() + num_pixels(), values.data() + 2 * num_pixels()}; }
  kernels::ConstPlanes16 planes() const {
    return {values.data(), values.data() + num_pixels(), values.data() + 2 * num_pixels()};
  }
};

/// A window of `image`, antialiased bilinear, to `height` x `width`; columns before rows. Allocates nothing once `view`
/// has grown, as the other functions.
void fast_resize(const Image& image, const CropWindow& window, int height, int width, FastView& view);

/// The steps of finish_view; `level` and `factor` as of the exact operations, a factor of at most 100.
kernels::ColourStep fast_blend(int level, double factor);
kernels::ColourStep fast_saturation(double factor);
kernels::ColourStep fast_hue(double sixths);  // of a turn, -3..3
kernels::ColourStep fast_solarize(int threshold);

void fast_colours(FastView& view, std::span<const kernels::ColourStep> steps);

/// Mean of the luminance that the steps would give, in levels: of every fourth row.
double fast_mean(const FastView& view, std::span<const kernels::ColourStep> steps);

/// The three box blurs of gaussian_blur as one filter in each direction; they differ within its reach of an edge.
void fast_blur(FastView& view, double radius);

/// Mirrored if asked, normalised, stored.
void fast_finish(const FastView& view, Mirror mirror, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                 const ViewMemory& out);

}  // namespace soco

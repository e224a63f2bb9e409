// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "soco/image/color_kernels.h"
#include "soco/image/normalize.h"

namespace soco::kernels {

// (value / 255 - mean) / std of one row, compiled for each vector instruction set and chosen at run time: each lane
// does the plain float32 operations, so all give the same bits. uint16_t: the bits of a bfloat16. Nothing beyond `n` is
// touched.

/// out [n] of one channel.
void normalize_row(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, float* out);
void normalize_row(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, std::uint16_t* out);

/// out [n, 3].
void normalize_pixel_row(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                         const std::array<float, 3>& std, Mirror mirror, float* out);
void normalize_pixel_row(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                         const std::array<float, 3>& std, Mirror mirror, std::uint16_t* out);

}  // namespace soco::kernels

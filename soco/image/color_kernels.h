// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace soco::kernels {

// Loops over the pixels of 8-bit planes, compiled for each vector instruction set and chosen at run time. All give the
// same bits on every machine, those of Pillow 9.4. Nothing beyond `n` values is touched.

using Planes = std::array<std::uint8_t*, 3>;             ///< red, green, blue
using ConstPlanes = std::array<const std::uint8_t*, 3>;  ///< the same, to be read

/// `n` RGB pixels to planes, and back.
void split_planes(const std::uint8_t* rgb, std::size_t n, const Planes& out);
void join_planes(const ConstPlanes& in, std::size_t n, std::uint8_t* rgb);

/// Pillow's blend: degenerate + alpha * (value - degenerate) in float32, clamped to 0..255, truncated.
void blend_with_constant(std::uint8_t* values, std::size_t n, std::uint8_t degenerate, float alpha);

/// The same against each pixel's luminance.
void blend_with_luminance(const Planes& planes, std::size_t n, float alpha);

/// ITU-R 601-2 luminance in Pillow's 16-bit fixed point, rounded. `out` may be one of the planes.
void luminance(const ConstPlanes& planes, std::size_t n, std::uint8_t* out);

/// The sum of what `luminance` gives.
std::uint64_t sum_luminance(const ConstPlanes& planes, std::size_t n);

/// 255 minus the value where that is at or above `threshold`, 0 to 256.
void invert_from(std::uint8_t* values, std::size_t n, int threshold);

/// Adds `shift` (modulo 256) to the hue of Pillow's 8-bit HSV.
void turn_hue(const Planes& planes, std::size_t n, std::uint8_t shift);

}  // namespace soco::kernels

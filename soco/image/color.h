// SPDX-License-Identifier: MIT
#pragma once
#include "soco/image/image.h"
#include "soco/image/planar_image.h"

namespace soco {

// Colour changes in place, bit for bit as torchvision's functional operations on Pillow images. A factor of 1 changes
// nothing; factors are not negative. Those of planes allocate nothing; those of an Image go through planes.

/// Blends with black.
void adjust_brightness(PlanarImage& image, double factor);
void adjust_brightness(Image& image, double factor);
/// Blends with the grey of the image's mean luminance.
void adjust_contrast(PlanarImage& image, double factor);
void adjust_contrast(Image& image, double factor);
/// Blends with the image's luminance.
void adjust_saturation(PlanarImage& image, double factor);
void adjust_saturation(Image& image, double factor);
/// Turns the hue by `factor` of a circle, in [-0.5, 0.5], through Pillow's 8-bit HSV.
void adjust_hue(PlanarImage& image, double factor);
void adjust_hue(Image& image, double factor);
/// Luminance (ITU-R 601-2) in all three channels; of planes one is left.
void to_grayscale(PlanarImage& image);
void to_grayscale(Image& image);
/// Inverts every value at or above `threshold`.
void solarize(PlanarImage& image, int threshold);
void solarize(Image& image, int threshold);

}  // namespace soco

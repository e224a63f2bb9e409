// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/config/options.h"
#include "soco/image/image.h"

namespace soco {

/// Colour spaces of Uijlings et al., section 4.1.2, each with its invariances.
enum class ColourSpace { kRgb, kHsv, kLab, kRgi, kHue, kIntensity };
inline constexpr std::array<EnumName<ColourSpace>, 6> kColourSpaceNames{{{ColourSpace::kRgb, "rgb"},
                                                                         {ColourSpace::kHsv, "hsv"},
                                                                         {ColourSpace::kLab, "lab"},
                                                                         {ColourSpace::kRgi, "rgi"},
                                                                         {ColourSpace::kHue, "hue"},
                                                                         {ColourSpace::kIntensity, "intensity"}}};

/// An image in a colour space, each channel in a plane of its own over 0..255.
struct ColourPlanes {
  int height = 0, width = 0;
  int num_channels = 0;                             ///< 1 or 3
  std::array<std::vector<std::uint8_t>, 3> planes;  // [height * width]; those beyond num_channels are not used
};

/// Fills `out` with `image` in `space`, rounded to whole values:
/// - rgb: as it is;
/// - hsv: hue / 360 * 255 (0 without saturation), saturation * 255, the greatest channel;
/// - lab: CIE L*a*b* of sRGB with white D65: L / 100 * 255, a + 128, b + 128;
/// - rgi: r / (r + g + b) * 255, the same of g (85 for black), and the intensity;
/// - hue: the hue alone;
/// - intensity: 0.299 r + 0.587 g + 0.114 b.
void convert_colours(const Image& image, ColourSpace space, ColourPlanes& out);

}  // namespace soco

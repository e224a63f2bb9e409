// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "soco/image/image.h"
#include "soco/structures/mask_rle.h"

namespace soco {

using Color = std::array<std::uint8_t, 3>;  ///< RGB

// All drawing is clipped to the image, whatever the coordinates. They are px; x2 and y2 are exclusive, but for lines.

/// Outline of `thickness` px, inside the rectangle.
void draw_rectangle(Image& image, int x1, int y1, int x2, int y2, Color color, int thickness = 1);
/// Outline of dashes of `dash` px (at least 1) with gaps as long.
void draw_dashed_rectangle(Image& image, int x1, int y1, int x2, int y2, Color color, int dash = 4);
void fill_rectangle(Image& image, int x1, int y1, int x2, int y2, Color color);
/// A line of 1 px from pixel (x1, y1) to pixel (x2, y2), both drawn.
void draw_line(Image& image, int x1, int y1, int x2, int y2, Color color);

/// ASCII in a 5x7 font, each dot `scale` px; (x, y) is the top left. Other bytes are drawn as '?'.
void draw_text(Image& image, int x, int y, std::string_view text, Color color, int scale = 1);
/// Width of that text in px: letters are one dot apart.
int text_width(std::string_view text, int scale = 1);
inline constexpr int kTextHeight = 7;  ///< times the scale

/// Mixes the colour into the pixels inside a mask of the image's size (asserted): 1 - opacity of them stays.
void blend_mask(Image& image, const MaskRle& mask, Color color, double opacity);

/// Copies `source` with its top left at (x, y).
void paste(Image& image, const Image& source, int x, int y);

/// Lays images out in rows of `num_columns`, each centred in a cell of the largest height and width, `gap` px between
/// and around the cells. std::logic_error without images or columns.
Image contact_sheet(const std::vector<Image>& images, int num_columns, int gap, Color background);

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "soco/base/random.h"
#include "soco/data/view_plan.h"
#include "soco/image/resize.h"

namespace soco {

/// What a random crop was made from; kept so that a test can replay it.
struct CropDraw {
  double area_ratio = 1.0;  ///< crop area / image area that was drawn
  double aspect = 1.0;      ///< width / height that was drawn
  bool fallback = false;    ///< none of the ten draws fitted: the central crop was taken
};

struct CropSize {
  int height = 0, width = 0;
};

/// Size of a crop with the given share of the image's area and the given width / height, rounded half to even.
/// Empty when it does not fit into the image.
std::optional<CropSize> crop_size_from_draw(int height, int width, double area_ratio, double aspect);

/// The greatest central crop whose width / height is within [min_aspect, max_aspect].
CropRect central_crop(int height, int width, double min_aspect, double max_aspect);

struct RandomCrop {
  CropRect rect;  ///< px of the image
  CropDraw draw;
};

/// Torchvision's RandomResizedCrop.get_params: area uniform, aspect log-uniform, position uniform; ten tries, then the
/// central crop.
RandomCrop draw_random_crop(int height, int width, const ViewOptions& options, Rng& rng);

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include "soco/evaluation/detection_metrics.h"

namespace soco {

enum class VocYear {
  k2007,  ///< AP: mean of the highest precision at recalls of at least 0, 0.1, ..., 1
  k2010,  ///< AP: area under the precision curve, made monotone
};

/// What a box's width stands for. kExclusive: x + width is where the box ends. kInclusive: it is the last pixel, as in
/// files made from VOC's by width = xmax - xmin; one pixel is added to each side of every box.
enum class VocBoxes { kExclusive, kInclusive };

/// Pascal VOC's figures by the development kit's rule (VOCevaldet.m): from the highest score of a category on, each
/// detection is held against the object of its image that it overlaps most (of equals the first). With an IoU of at
/// least the threshold it is true when that object has not been found before, false when it has, and not counted when
/// the object is difficult (or a crowd); below, it is false. Figures: AP50, the kit's own, AP75, and AP, the mean of
/// 0.5, ..., 0.95; over the categories with objects that are not difficult. Boxes alone.
DetectionMetrics evaluate_voc(const DetectionData& data, VocYear year, VocBoxes boxes, int num_workers);

}  // namespace soco

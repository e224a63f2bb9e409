// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "soco/base/error.h"
#include "soco/structures/host_buffer.h"
#include "soco/structures/pixel_format.h"
#include "soco/structures/view_changes.h"

namespace soco {

/// The same view of all N images of a batch.
struct ViewBatch {
  int height = 0;
  int width = 0;
  ElementType type = ElementType::kFloat32;  // of finished views, as the layout
  PixelLayout layout = PixelLayout::kChw;
  HostBuffer pixels;  // [N, 3, height, width] or [N, height, width, 3], RGB, mean subtracted, divided by the deviation

  // [N] what is still to be done to the pixels, which are bytes in [N, height, width, 3] until then; empty: nothing.
  std::vector<ViewChanges> pending;

  /// All of them; std::logic_error when they are not finished float32.
  std::span<float> floats() {
    SOCO_ASSERT(type == ElementType::kFloat32 && pending.empty());
    return {reinterpret_cast<float*>(pixels.data()), pixels.size() / sizeof(float)};
  }
  std::span<const float> floats() const { return const_cast<ViewBatch*>(this)->floats(); }
};

/// The K boxes an image has in one view of a pair.
struct SideBatch {
  std::vector<float> boxes;          // [N, K, 4] float32, xyxy, in [0, 1] of the view
  std::vector<std::int32_t> ids;     // [N, K] equal ids name the same object of the image
  std::vector<std::int32_t> levels;  // [N, K] pyramid level 0..3 = P2..P5; -1: none assigned
};

/// Two views whose boxes are compared.
struct PairBatch {
  int view_a = 0;  // index into PretrainBatch::views
  int view_b = 0;
  SideBatch a;
  SideBatch b;
};

/// One step's input: what `data` gives and `modeling` takes.
struct PretrainBatch {
  int num_images = 0;       // N
  int boxes_per_image = 0;  // K
  std::vector<ViewBatch> views;
  std::vector<PairBatch> pairs;
  std::vector<std::int64_t> sample_indices;  // [N] indices of the data set
};

}  // namespace soco

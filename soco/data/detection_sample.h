// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "soco/base/random.h"
#include "soco/data/detection_dataset.h"
#include "soco/data/detection_options.h"
#include "soco/image/codec.h"
#include "soco/image/image.h"
#include "soco/image/planar_image.h"
#include "soco/image/resize.h"
#include "soco/structures/detection_batch.h"
#include "soco/structures/host_buffer.h"

namespace soco {

/// How an image becomes a detector's input: resized, then perhaps mirrored.
struct InputPlan {
  int original_height = 0, original_width = 0;  ///< px of the image
  int height = 0, width = 0;                    ///< px it is resized to
  bool flipped = false;
};

/// The size at which the short edge has `short_edge` px, unless the long one would then have more than `max_edge`;
/// fractions are rounded to the nearest, halves up; at least 1. Source: Detectron2, ResizeShortestEdge.
struct InputSize {
  int height = 0, width = 0;
};
InputSize shortest_edge_size(int height, int width, int short_edge, int max_edge);

/// What chance decides for a training image: short edge, then flip.
InputPlan draw_input(int height, int width, const DetectionInputOptions& options, Rng& rng);
/// That of evaluation and prediction.
InputPlan test_input(int height, int width, const DetectionInputOptions& options);

/// From px of the original image to px of the input, clipped to it. As Detectron2 computes: corners in float32, moved
/// in float64, rounded to float32.
Box input_from_original(const CocoBox& box, const InputPlan& plan);
/// The same of corners, in float64 and not clipped.
Polygon input_from_original(const Polygon& polygon, const InputPlan& plan);
/// The shape: polygons as above, masks by resize_mask. Errors: those of mask_from_text.
InstanceShape input_from_original(const Segmentation& segmentation, const InputPlan& plan);
/// Back, clipped to the original image: what is found in the input becomes a detection. Plans of tests do not flip
/// (asserted).
Box original_from_input(const Box& box, const InputPlan& plan);

/// Sides of a box up to which it counts as empty, px. Source: Detectron2, filter_empty_instances.
inline constexpr float kEmptyBoxSide = 1e-5f;

/// The objects of an image of the data set in the frame of its input. Objects whose box or shape is empty there are
/// left out.
DetectionTarget make_target(const DetectionDataset& dataset, std::int64_t index, const InputPlan& plan);

/// An image resized as planned, not yet mirrored: bit for bit Pillow's bilinear resize.
struct InputScratch {
  Image resized;
  ResizeScratch resize;
};
void resize_input(const Image& image, const InputPlan& plan, PlanarImage& out, InputScratch& scratch);

/// Puts images, each as its plan says, into one batch: height and width the largest of images and `least`, rounded up
/// to options.size_divisor; mirrored, normalised; zeros right and below. Memory that fits is kept.
void fill_batch(std::span<const PlanarImage> images, std::span<const InputPlan> plans,
                const DetectionInputOptions& options, InputSize least, HostAllocator allocator, ViewBatch& out);

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>

#include "soco/config/options.h"

namespace soco {

/// What of a network is judged. kRoi: the mean over a box of the map that the detector pools it from (its pyramid
/// level; C4 and image-level networks: res4's map). kBackbone: the mean over a box of res4's map, stride 16, which
/// every architecture has. kHead: the vector that the box head gives. kImage: the mean of res5's map over a whole
/// image.
enum class ProbeFeature { kRoi, kBackbone, kHead, kImage };

inline constexpr std::array<EnumName<ProbeFeature>, 4> kProbeFeatureNames{{{ProbeFeature::kRoi, "roi"},
                                                                           {ProbeFeature::kBackbone, "backbone"},
                                                                           {ProbeFeature::kHead, "head"},
                                                                           {ProbeFeature::kImage, "image"}}};

/// How a network is judged by labelled boxes without being trained further; see docs/probe.md.
struct ProbeOptions {
  int every_epochs = 0;
  std::filesystem::path images;
  std::filesystem::path annotations;
  ProbeFeature feature = ProbeFeature::kRoi;
  int max_side = 448;
  double val_ratio = 0.3;
  std::int64_t seed = 0;
  int max_images = 0;
  int neighbours = 20;
  double temperature = 0.07;
  double ridge = 0.01;
  int workers = 0;

  template <class V>
  void visit(V& v) {
    v.field("every_epochs", every_epochs, "during training: judge after every so many epochs; 0: never",
            Range<int>{0, 1'000'000});
    v.field("images", images, "the labelled images (as --images of pretrain)");
    v.field("annotations", annotations, "their COCO annotations");
    v.field("feature", feature,
            "roi: mean over the box of the map its detector pools it from; backbone: of res4's map, which every "
            "architecture has; head: the box head's vector; image: whole images, by the mean of res5's map",
            kProbeFeatureNames);
    v.field("max_side", max_side, "larger images are made so small, px of the longer side", Range<int>{32, 8192});
    v.field("val_ratio", val_ratio, "share of the images that is predicted, not learned from",
            Range<double>{0, 1, true, true});
    v.field("seed", seed, "seed of the split", Range<std::int64_t>{0, INT64_MAX});
    v.field("max_images", max_images, "take only so many images, chosen by the seed; 0: all", Range<int>{0, INT32_MAX});
    v.field("neighbours", neighbours, "k of the nearest neighbours", Range<int>{1, 1'000'000});
    v.field("temperature", temperature, "neighbours' votes weigh exp(cosine / temperature)", Range<double>{1e-3, 1e3});
    v.field("ridge", ridge, "regularisation of the linear classifier, per row", Range<double>{1e-9, 1e6});
    v.field("workers", workers, "threads that read images; 0: one per processor. They do not change the result",
            Range<int>{0, 1024});
  }

  /// Usage error: every_epochs without images or annotations.
  void validate() const;
};

}  // namespace soco

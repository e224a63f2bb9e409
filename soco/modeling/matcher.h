// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "soco/base/random.h"

namespace soco {

enum class LowQualityMatches { kNone, kKeep };

struct MatchOptions {
  double background_iou = 0.5;  // overlapping every object by less: background
  double object_iou = 0.5;      // overlapping one by so much, or more: that object's; in between: left out
  /// kKeep: of each object, the candidates that overlap it most are its match or another's, however little that is.
  LowQualityMatches low_quality = LowQualityMatches::kNone;
};

/// Which object each candidate box belongs to.
struct Matches {
  std::vector<std::int64_t> object;                // [B] the object of largest overlap (the first of equals), else 0
  std::vector<std::int64_t> positives, negatives;  // candidates by ascending index
};

/// Ren et al. 2015, section 3.1.2: objects [G,4] and candidates [B,4], xyxy px, any G. Overlaps are taken in float64 on
/// the CPU. An object that no candidate touches has no low-quality match (in Detectron2 all candidates would be).
Matches match_boxes(const torch::Tensor& objects, const torch::Tensor& candidates, const MatchOptions& options);

/// The two places where a detector draws from many boxes.
enum class SamplingStage : std::uint8_t { kAnchors, kProposals };

struct SamplingRequest {
  SamplingStage stage;
  std::int64_t image = 0;  // index in the batch
  const Matches& matches;
  std::int64_t num_samples = 0;
  double positive_ratio = 0;
};

/// Chosen candidates, each list ascending.
struct SampledCandidates {
  std::vector<std::int64_t> positives, negatives;
};

/// Chooses what a loss looks at.
using CandidateSampler = std::function<SampledCandidates(const SamplingRequest&)>;

/// At most num_samples * positive_ratio positives, and negatives up to num_samples, each by chance.
SampledCandidates sample_balanced(const SamplingRequest& request, Rng& rng);

/// sample_balanced by numbers of (seed, step, place of the image in the step's whole batch, stage). `first_image`: that
/// place of the batch's image 0.
CandidateSampler random_sampler(std::uint64_t seed, std::int64_t step, std::int64_t first_image = 0);

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/modeling/matcher.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"

namespace soco {
namespace {

double overlap(const double* a, const double* b) {
  const double width = std::min(a[2], b[2]) - std::max(a[0], b[0]),
               height = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common);
}

// Takes k of the values by chance, in ascending order.
std::vector<std::int64_t> draw(const std::vector<std::int64_t>& values, std::size_t k, Rng& rng) {
  if (k == values.size()) return values;
  std::vector<std::int64_t> drawn;
  for (const std::size_t i : rng.sample_without_replacement(values.size(), k)) drawn.push_back(values[i]);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

torch::Tensor plain_boxes(const torch::Tensor& boxes) {
  if (boxes.dim() != 2 || boxes.size(1) != 4) fail("boxes have shape {}; expected [B,4]", c10::str(boxes.sizes()));
  return boxes.detach().to(torch::kCPU, torch::kFloat64).contiguous();
}

}  // namespace

Matches match_boxes(const torch::Tensor& objects, const torch::Tensor& candidates, const MatchOptions& options) {
  const torch::Tensor gt = plain_boxes(objects), boxes = plain_boxes(candidates);
  const std::int64_t num_objects = gt.size(0), count = boxes.size(0);
  const double *g = gt.data_ptr<double>(), *b = boxes.data_ptr<double>();
  Matches matches{
      .object = std::vector<std::int64_t>(static_cast<std::size_t>(count), 0), .positives = {}, .negatives = {}};
  std::vector<double> best(static_cast<std::size_t>(count), 0);
  std::vector<std::uint8_t> is_best_of_object(static_cast<std::size_t>(count), 0);
  std::vector<double> row(static_cast<std::size_t>(count));
  for (std::int64_t j = 0; j < num_objects; ++j) {
    double most = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      row[i] = overlap(g + 4 * j, b + 4 * i);
      most = std::max(most, row[i]);
      if (row[i] > best[i]) best[i] = row[i], matches.object[i] = j;
    }
    if (options.low_quality == LowQualityMatches::kKeep && most > 0)
      for (std::int64_t i = 0; i < count; ++i) is_best_of_object[i] |= row[i] == most;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (num_objects > 0 && (best[i] >= options.object_iou || is_best_of_object[i]))
      matches.positives.push_back(i);
    else if (best[i] < options.background_iou || num_objects == 0)
      matches.negatives.push_back(i);
  }
  return matches;
}

SampledCandidates sample_balanced(const SamplingRequest& request, Rng& rng) {
  const Matches& m = request.matches;
  const auto most_positives =
      static_cast<std::size_t>(static_cast<double>(request.num_samples) * request.positive_ratio);
  const std::size_t num_positives = std::min(m.positives.size(), most_positives);
  const std::size_t num_negatives =
      std::min(m.negatives.size(), static_cast<std::size_t>(request.num_samples) - num_positives);
  SampledCandidates sampled;
  sampled.positives = draw(m.positives, num_positives, rng);
  sampled.negatives = draw(m.negatives, num_negatives, rng);
  return sampled;
}

CandidateSampler random_sampler(std::uint64_t seed, std::int64_t step, std::int64_t first_image) {
  return [=](const SamplingRequest& request) {
    const std::int64_t stream = 2 * (first_image + request.image) + static_cast<std::int64_t>(request.stage);
    Rng rng(seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(stream), purpose::kDetectorSamples);
    return sample_balanced(request, rng);
  };
}

}  // namespace soco

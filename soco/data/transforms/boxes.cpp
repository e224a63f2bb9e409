// SPDX-License-Identifier: MIT
#include "soco/data/transforms/boxes.h"

#include <algorithm>

#include "soco/proposals/release_box.h"

namespace soco {

std::vector<IdBox> id_boxes_from_proposals(const ProposalSet& proposals) {
  std::vector<IdBox> boxes;
  boxes.reserve(proposals.boxes.size());
  for (const Box& box : proposals.boxes) {
    const Corners c = release_corners_from_box(box);
    boxes.push_back({c.x1, c.y1, c.x2, c.y2, static_cast<int>(boxes.size()) + 1});
  }
  if (boxes.empty()) boxes.push_back({0, 0, proposals.width - 1.0, proposals.height - 1.0, 1});
  return boxes;
}

IdBox corners_of_crop(const CropRect& crop) {
  return {static_cast<double>(crop.x), static_cast<double>(crop.y), crop.x + crop.width - 1.0,
          crop.y + crop.height - 1.0, 0};
}

std::optional<IdBox> overlap_of(const IdBox& a, const IdBox& b) {
  const bool overlaps = a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;
  if (!overlaps) return std::nullopt;
  return IdBox{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2), a.id};
}

std::vector<IdBox> boxes_in_both_crops(const std::vector<IdBox>& boxes, const CropRect& a, const CropRect& b) {
  const auto region = overlap_of(corners_of_crop(a), corners_of_crop(b));
  std::vector<IdBox> inside;
  if (!region) return inside;
  for (const IdBox& box : boxes) {
    if (overlap_of(box, *region)) inside.push_back(box);
  }
  return inside;
}

std::vector<IdBox> select_boxes(const std::vector<IdBox>& boxes, int count, Rng& rng) {
  if (boxes.size() < static_cast<std::size_t>(count)) return boxes;
  std::vector<IdBox> selected;
  selected.reserve(count);
  for (const std::size_t i : rng.sample_without_replacement(boxes.size(), count)) selected.push_back(boxes[i]);
  return selected;
}

BoxJitter draw_box_jitter(double prob, double ratio, Rng& rng) {
  BoxJitter jitter;
  jitter.active = rng.bernoulli(prob);
  jitter.dx = rng.uniform(-ratio, ratio);
  jitter.dy = rng.uniform(-ratio, ratio);
  jitter.dw = rng.uniform(-ratio, ratio);
  jitter.dh = rng.uniform(-ratio, ratio);
  return jitter;
}

IdBox jitter_box(const IdBox& box, const BoxJitter& jitter) {
  if (!jitter.active) return box;
  const double width = box.x2 - box.x1 + 1.0;
  const double height = box.y2 - box.y1 + 1.0;
  IdBox moved = box;
  moved.x1 = box.x1 + jitter.dx * width;
  moved.y1 = box.y1 + jitter.dy * height;
  moved.x2 = moved.x1 + (width + jitter.dw * width) - 1.0;
  moved.y2 = moved.y1 + (height + jitter.dh * height) - 1.0;
  return moved;
}

std::vector<IdBox> clip_boxes(const std::vector<IdBox>& boxes, const CropRect& crop) {
  std::vector<IdBox> clipped;
  for (const IdBox& box : boxes) {
    const auto common = overlap_of(box, corners_of_crop(crop));
    if (!common) continue;
    clipped.push_back({common->x1 - crop.x, common->y1 - crop.y, common->x2 - crop.x, common->y2 - crop.y, box.id});
  }
  if (clipped.empty()) clipped.push_back({0, 0, crop.width - 1.0, crop.height - 1.0, 1});
  return clipped;
}

std::vector<int> draw_padding(const std::vector<IdBox>& boxes, const std::vector<IdBox>& other, int count, Rng& rng) {
  std::vector<int> candidates;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const bool common = std::any_of(other.begin(), other.end(), [&](const IdBox& o) { return o.id == boxes[i].id; });
    if (common) candidates.push_back(static_cast<int>(i));
  }
  if (candidates.empty()) {
    for (std::size_t i = 0; i < boxes.size(); ++i) candidates.push_back(static_cast<int>(i));
  }
  std::vector<int> rows;
  for (int i = static_cast<int>(boxes.size()); i < count; ++i) {
    rows.push_back(candidates[rng.uniform_int(candidates.size())]);
  }
  return rows;
}

std::vector<IdBox> pad_boxes(std::vector<IdBox> boxes, const std::vector<int>& rows) {
  boxes.reserve(boxes.size() + rows.size());
  for (const int row : rows) boxes.push_back(boxes[row]);
  return boxes;
}

Box normalized_box(const IdBox& box, const CropRect& crop) {
  return {static_cast<float>(box.x1 / crop.width), static_cast<float>(box.y1 / crop.height),
          static_cast<float>(box.x2 / crop.width), static_cast<float>(box.y2 / crop.height)};
}

Box flip_box(const Box& box) { return {1.0f - box.x2, box.y1, 1.0f - box.x1, box.y2}; }

}  // namespace soco

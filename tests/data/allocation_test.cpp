// SPDX-License-Identifier: MIT
// Counts what is allocated while views are rendered: this program replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

#include "data/plans.h"
#include "soco/data/collate.h"
#include "soco/data/sample.h"
#include "soco/image/codec.h"

namespace {
std::atomic<long> num_allocations{0};
}  // namespace

// All forms, since AddressSanitizer has its own of those that are left out and refuses the mixture.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++num_allocations;
  return std::malloc(size);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace soco {
namespace {

TEST(Allocations, DecodingAndRenderingTakeNoneOnceWarm) {
  const Image image = testing::test_image(375, 500, 1);
  const std::vector<std::byte> bytes = encode_jpeg(image, 92);
  const ProposalSet proposals = testing::test_proposals(375, 500, 12, 1);
  const std::string name = "image";
  const ViewPlan fpn = soco_fpn_view_plan(true);
  const std::pair<ViewPlan, Quality> kinds[] = {
      {fpn, Quality::kExact}, {testing::star_plan(), Quality::kExact}, {fpn, Quality::kFast}};
  for (const auto& [plan, quality] : kinds) {
    PretrainBatch batch;
    shape_batch(plan, 1, {}, batch);
    std::vector<ViewMemory> views;
    DecodedPart decoded;
    SampleScratch scratch;
    for (int i = 0; i < 60; ++i) {
      Rng rng(1, 0, i % 30, purpose::kViews);  // the second thirty are the first again
      const Sample sample = draw_sample(375, 500, proposals, plan, rng);
      const long before = num_allocations;
      decode_image_part(bytes, name, {}, decode_request_for(plan, sample.trace, quality), decoded);
      views_of_row(batch, 0, views);
      render_views(decoded, plan, sample.trace, quality, views, scratch);
      copy_boxes_into(sample, i, 0, batch);
      if (i == 0) EXPECT_GT(num_allocations, before);  // it does count
      if (i >= 30) ASSERT_EQ(num_allocations, before) << i;
    }
  }
}

}  // namespace
}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/data/throughput.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace soco {
namespace {

using ::testing::HasSubstr;

TEST(LimitingStage, IsTheWorkersLongerStageWhenTrainingWaits) {
  EXPECT_EQ(limiting_stage({.decode = 8, .augment = 4, .wait = 3, .transfer = 0, .total = 10}), Stage::kDecode);
  EXPECT_EQ(limiting_stage({.decode = 4, .augment = 8, .wait = 3, .transfer = 0, .total = 10}), Stage::kAugmentation);
}

TEST(LimitingStage, IsTransferOrTrainingWhenTheDataIsThere) {
  EXPECT_EQ(limiting_stage({.decode = 8, .augment = 4, .wait = 0.4, .transfer = 1, .total = 10}), Stage::kTraining);
  EXPECT_EQ(limiting_stage({.decode = 8, .augment = 4, .wait = 0.4, .transfer = 6, .total = 10}), Stage::kTransfer);
}

TEST(ThroughputText, GivesRateLimitAndShares) {
  const std::string text =
      throughput_text({.decode = 9, .augment = 3, .wait = 3, .transfer = 1, .total = 10, .num_images = 250});
  EXPECT_THAT(text, HasSubstr("25.0 images/s, limited by decoding"));
  EXPECT_THAT(text, HasSubstr("training 60 %, transfer 10 %, waiting for data 30 %"));
  EXPECT_THAT(text, HasSubstr("decoding 75 %, augmentation 25 %"));
}

TEST(ThroughputText, OfNothingIsNoDivisionByZero) { EXPECT_THAT(throughput_text({}), HasSubstr("0.0 images/s")); }

TEST(StageSeconds, Add) {
  StageSeconds sum{.decode = 1, .augment = 2, .wait = 3, .transfer = 4, .total = 5, .num_images = 6};
  sum += sum;
  EXPECT_EQ(sum.decode, 2);
  EXPECT_EQ(sum.augment, 4);
  EXPECT_EQ(sum.wait, 6);
  EXPECT_EQ(sum.transfer, 8);
  EXPECT_EQ(sum.total, 10);
  EXPECT_EQ(sum.num_images, 12);
}

}  // namespace
}  // namespace soco

// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/structures/box.h"
#include "soco/structures/host_tensor.h"
#include "soco/structures/pretrain_batch.h"
#include "soco/structures/proposal_set.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Box, MeasuresItsSides) {
  const Box box{1, 2, 4, 8};
  EXPECT_EQ(box.width(), 3);
  EXPECT_EQ(box.height(), 6);
  EXPECT_EQ(box.area(), 18);
  EXPECT_EQ((Box{4, 0, 1, 2}).area(), 0);
  EXPECT_EQ((Box{4, 8, 1, 2}).area(), 0);  // two negative sides are no area either
}

TEST(Iou, IsTheShareOfTheUnionThatIsCommon) {
  EXPECT_EQ(iou({0, 0, 2, 2}, {0, 0, 2, 2}), 1);
  EXPECT_FLOAT_EQ(iou({0, 0, 2, 2}, {1, 1, 3, 3}), 1.0f / 7);  // 1 of 4 + 4 - 1
  EXPECT_FLOAT_EQ(iou({0, 0, 4, 4}, {1, 1, 3, 3}), 0.25f);     // one inside the other
}

TEST(Iou, IsZeroWhenNothingIsCommon) {
  EXPECT_EQ(iou({0, 0, 1, 1}, {1, 0, 2, 1}), 0);  // they touch
  EXPECT_EQ(iou({0, 0, 1, 1}, {5, 5, 6, 6}), 0);
  EXPECT_EQ(iou({1, 1, 1, 1}, {1, 1, 1, 1}), 0);  // both empty
}

TEST(Iou, IsTheSameBothWays) {
  const Box a{0, 0, 3, 5}, b{1, 2, 7, 4};
  EXPECT_EQ(iou(a, b), iou(b, a));
}

TEST(Intersection, HasNoAreaWhenTheBoxesAreApart) {
  EXPECT_EQ(intersection({0, 0, 4, 4}, {2, 1, 6, 3}), (Box{2, 1, 4, 3}));
  EXPECT_EQ(intersection({0, 0, 1, 1}, {2, 2, 3, 3}).area(), 0);
  EXPECT_EQ(intersection({0, 0, 1, 1}, {0, 2, 1, 3}).area(), 0);
}

TEST(ProposalSet, ComparesSizeAndBoxes) {
  const ProposalSet a{10, 20, {{0, 0, 20, 10}}};
  ProposalSet b = a;
  EXPECT_EQ(a, b);
  b.width = 21;
  EXPECT_NE(a, b);
  b = a;
  b.boxes[0].x2 = 19;
  EXPECT_NE(a, b);
}

TEST(DType, HasSizeAndName) {
  EXPECT_EQ(dtype_size(DType::kFloat64), 8u);
  EXPECT_EQ(dtype_size(DType::kFloat32), 4u);
  EXPECT_EQ(dtype_size(DType::kBFloat16), 2u);
  EXPECT_EQ(dtype_size(DType::kInt16), 2u);
  EXPECT_EQ(dtype_size(DType::kBool), 1u);
  EXPECT_EQ(dtype_name(DType::kBFloat16), "bfloat16");
  EXPECT_EQ(dtype_name(DType::kUInt8), "uint8");
  EXPECT_EQ(dtype_of<std::int64_t>(), DType::kInt64);
}

TEST(HostTensor, KeepsTheValuesInRowMajorOrder) {
  const auto tensor = HostTensor::from<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(tensor.dtype, DType::kFloat32);
  EXPECT_EQ(tensor.numel(), 6);
  EXPECT_EQ(tensor.data.size(), 24u);
  EXPECT_THAT(tensor.as<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(tensor.data[3], std::byte{0x3f});  // 1.0f is 3f800000, little-endian
}

TEST(HostTensor, TakesScalarsAndEmptyShapes) {
  EXPECT_EQ(HostTensor::from<std::int64_t>({}, std::vector<std::int64_t>{7}).numel(), 1);
  EXPECT_EQ(HostTensor::from<float>({0, 5}, std::vector<float>{}).numel(), 0);
  EXPECT_TRUE(HostTensor::from<float>({0}, std::vector<float>{}).as<float>().empty());
}

TEST(HostTensor, RefusesTheWrongNumberOfValues) {
  EXPECT_EQ(error_of([] {
              HostTensor::from<float>({2, 2}, std::vector<float>{1});
            }),
            "a float32 tensor of shape [2, 2] has 4 elements of 4 bytes, but 4 bytes are given");
  EXPECT_THAT(error_of([] { HostTensor::make(DType::kFloat32, {1}, std::vector<std::byte>(5)); }),
              HasSubstr("5 bytes are given"));
  EXPECT_THAT(error_of([] { HostTensor::from<float>({}, std::vector<float>{}); }), HasSubstr("1 elements"));
}

TEST(HostTensor, RefusesHostileShapes) {
  const std::int64_t big = std::int64_t{1} << 62;
  EXPECT_THAT(error_of([] { num_elements(std::vector<std::int64_t>{2, -1}); }), HasSubstr("[2, -1] has a negative"));
  EXPECT_THAT(error_of([] { num_elements(std::vector<std::int64_t>{0, -1}); }), HasSubstr("negative"));
  EXPECT_THAT(error_of([&] { num_elements(std::vector<std::int64_t>{big, 2}); }), HasSubstr("64 bits"));
  EXPECT_EQ(num_elements(std::vector<std::int64_t>{big, 2, 0}), 0);
  // 2^62 elements of 4 bytes are 2^64 bytes, which must not pass for none.
  EXPECT_THAT(error_of([&] { HostTensor::make(DType::kFloat32, {big}, {}); }), HasSubstr("0 bytes are given"));
}

TEST(HostTensor, IsReadAsItsOwnTypeAlone) {
  const auto tensor = HostTensor::from<std::int32_t>({1}, std::vector<std::int32_t>{1});
  EXPECT_THAT(error_of([&] { tensor.as<float>(); }), HasSubstr("int32"));
  EXPECT_THAT(error_of([&] { tensor.as<std::uint16_t>(); }), HasSubstr("int32"));
  const auto half = HostTensor::make(DType::kFloat16, {1}, {std::byte{0x00}, std::byte{0x3c}});
  EXPECT_THAT(half.as<std::uint16_t>(), ElementsAre(0x3c00));  // the bits of 1.0
  HostTensor torn = tensor;
  torn.data.pop_back();
  EXPECT_THROW(torn.as<std::int32_t>(), std::logic_error);
}

TEST(HostTensor, ComparesTypeShapeAndBits) {
  const auto a = HostTensor::from<float>({2}, std::vector<float>{0, 1});
  EXPECT_EQ(a, HostTensor::from<float>({2}, std::vector<float>{0, 1}));
  EXPECT_NE(a, HostTensor::from<float>({2}, std::vector<float>{-0.0f, 1}));  // equal numbers, other bits
  EXPECT_NE(a, HostTensor::from<float>({1, 2}, std::vector<float>{0, 1}));
}

HostTensor scalar(float value) { return HostTensor::from<float>({}, std::vector<float>{value}); }

TEST(StateDict, KeepsTheOrderAndFindsByName) {
  StateDict dict;
  EXPECT_TRUE(dict.empty());
  dict.add("z", scalar(1));
  dict.add("a", scalar(2));
  EXPECT_EQ(dict.size(), 2u);
  EXPECT_EQ(dict.entries()[0].first, "z");
  EXPECT_EQ(dict.at("a"), scalar(2));
  EXPECT_EQ(dict.find("b"), nullptr);
  EXPECT_EQ(dict.num_bytes(), 8u);
}

TEST(StateDict, NamesTheTensorWhenDoubleOrMissing) {
  StateDict dict;
  dict.add("fc1.weight", scalar(1));
  EXPECT_EQ(error_of([&] { dict.add("fc1.weight", scalar(2)); }), "the tensor 'fc1.weight' is there twice");
  EXPECT_EQ(dict.size(), 1u);
  EXPECT_EQ(error_of([&] { dict.at("fc1.wieght"); }),
            "there is no tensor 'fc1.wieght' among the 1; did you mean 'fc1.weight'?");
}

TEST(StateDict, ComparesTheOrderToo) {
  StateDict a, b;
  a.add("x", scalar(1)), a.add("y", scalar(2));
  b.add("y", scalar(2)), b.add("x", scalar(1));
  EXPECT_FALSE(a == b);
  EXPECT_TRUE(a == a);
}

}  // namespace
}  // namespace soco

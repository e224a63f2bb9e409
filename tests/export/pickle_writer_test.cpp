// SPDX-License-Identifier: MIT
#include "soco/export/pickle_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/zip_archive.h"
#include "soco/export/pickle_reader.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using testing::TempDir;

std::string emitted(const std::function<void(PickleEmitter&)>& write) {
  PickleEmitter emitter(2);
  write(emitter);
  return emitter.finish();
}

PickleValue::Tensor tensor(std::vector<std::int64_t> shape, std::vector<float> values) {
  return std::make_shared<const HostTensor>(HostTensor::from<float>(std::move(shape), values));
}

// Expected streams are those of CPython's pickle.dumps(x, protocol=2), as pickletools.optimize leaves them.
TEST(PickleEmitter, IntegersTakeTheShortestForm) {
  const auto integer = [](std::int64_t value) { return emitted([&](PickleEmitter& e) { e.integer(value); }); };
  using std::string_literals::operator""s;
  EXPECT_EQ(integer(0), "\x80\x02K\x00."s);
  EXPECT_EQ(integer(255), "\x80\x02K\xff."s);
  EXPECT_EQ(integer(256), "\x80\x02M\x00\x01."s);
  EXPECT_EQ(integer(65536), "\x80\x02J\x00\x00\x01\x00."s);
  EXPECT_EQ(integer(-1), "\x80\x02J\xff\xff\xff\xff."s);
  EXPECT_EQ(integer(std::int64_t{1} << 40), "\x80\x02\x8a\x08\x00\x00\x00\x00\x00\x01\x00\x00."s);
}

TEST(PickleEmitter, RealsAreBigEndian) {
  using std::string_literals::operator""s;
  EXPECT_EQ(emitted([](PickleEmitter& e) { e.real(1.0); }), "\x80\x02G\x3f\xf0\x00\x00\x00\x00\x00\x00."s);
}

PickleValue::Dict mixed_dict() {
  PickleValue::Dict inner;
  set_item(inner, "w", PickleValue(tensor({2, 2}, {1, 2, 3, 4})));
  set_item(inner, "scalar", PickleValue(tensor({}, {5})));
  set_item(inner, "none", PickleValue(tensor({0, 3}, {})));
  PickleValue::Dict dict;
  inner.type_name = "OrderedDict";
  set_item(dict, "model", PickleValue(inner));
  set_item(dict, "big", PickleValue(std::numeric_limits<std::int64_t>::min()));
  set_item(dict, "rate", PickleValue(0.1));
  set_item(dict, "flag", PickleValue(true));
  set_item(dict, "nothing", PickleValue());
  set_item(dict, "text", PickleValue("grün"));
  set_item(dict, "list", PickleValue(PickleValue::List{{PickleValue(1), PickleValue("a")}}));
  set_item(dict, "tuple", PickleValue(PickleValue::Tuple{{}}));
  set_item(dict, "empty", PickleValue(PickleValue::Dict{}));
  return dict;
}

void expect_mixed(const PickleValue& value) {
  EXPECT_EQ(*value.find("big")->get_if<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*value.find("rate")->get_if<double>(), 0.1);
  EXPECT_EQ(*value.find("flag")->get_if<bool>(), true);
  EXPECT_EQ(value.find("nothing")->type_name(), "None");
  EXPECT_EQ(*value.find("text")->get_if<std::string>(), "grün");
  EXPECT_EQ(value.find("list")->get_if<PickleValue::List>()->items.size(), 2u);
  EXPECT_TRUE(value.find("tuple")->get_if<PickleValue::Tuple>()->items.empty());
  EXPECT_EQ(value.find("model")->type_name(), "OrderedDict");
  const StateDict state = extract_state_dict(*value.find("model"), "x").tensors;
  EXPECT_EQ(state.at("w"), HostTensor::from<float>({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(state.at("scalar"), HostTensor::from<float>({}, {5}));
  EXPECT_EQ(state.at("none").shape, (std::vector<std::int64_t>{0, 3}));
}

TEST(WriteTorchFile, ReadsBack) {
  TempDir dir;
  write_torch_file(dir / "x.pth", PickleValue(mixed_dict()));
  expect_mixed(read_pickle_file(dir / "x.pth"));
}

TEST(WriteNumpyPickle, ReadsBack) {
  TempDir dir;
  write_numpy_pickle(dir / "x.pkl", PickleValue(mixed_dict()));
  expect_mixed(read_pickle_file(dir / "x.pkl"));
}

TEST(WriteTorchFile, AllElementTypesSurvive) {
  TempDir dir;
  StateDict state;
  for (int i = 0; i < 10; ++i) {
    const auto dtype = static_cast<DType>(i);
    state.add("t" + std::to_string(i),
              HostTensor::make(dtype, {3}, std::vector<std::byte>(3 * dtype_size(dtype), std::byte{1})));
  }
  write_torch_file(dir / "x.pth", PickleValue(dict_from_state_dict(state)));
  EXPECT_EQ(extract_state_dict(read_pickle_file(dir / "x.pth"), "x").tensors, state);
}

TEST(WriteTorchFile, EqualInputsGiveEqualFiles) {
  TempDir dir;
  write_torch_file(dir / "x.pth", PickleValue(mixed_dict()));
  write_torch_file(dir / "y.pth", PickleValue(mixed_dict()));
  EXPECT_EQ(read_file(dir / "x.pth"), read_file(dir / "y.pth"));
}

TEST(WriteTorchFile, SharedTensorsShareTheirRecord) {
  TempDir dir;
  const auto shared = tensor({4}, {1, 2, 3, 4});
  PickleValue::Dict dict;
  set_item(dict, "a", PickleValue(shared));
  set_item(dict, "b", PickleValue(shared));
  write_torch_file(dir / "x.pth", PickleValue(dict));
  ZipReader zip(dir / "x.pth");
  EXPECT_NE(zip.find("archive/data/0"), nullptr);
  EXPECT_EQ(zip.find("archive/data/1"), nullptr);
  EXPECT_EQ(extract_state_dict(read_pickle_file(dir / "x.pth"), "x").tensors.at("b"), *shared);
}

TEST(WriteTorchFile, RefusesByteStrings) {
  TempDir dir;
  EXPECT_THROW(write_torch_file(dir / "x.pth", PickleValue(PickleValue::Bytes{"x"})), Error);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(WriteNumpyPickle, RefusesBfloat16ByName) {
  TempDir dir;
  StateDict state;
  state.add("x", HostTensor::make(DType::kBFloat16, {1}, std::vector<std::byte>(2)));
  try {
    write_numpy_pickle(dir / "x.pkl", PickleValue(dict_from_state_dict(state)));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("bfloat16"));
  }
}

}  // namespace
}  // namespace soco

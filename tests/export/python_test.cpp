// SPDX-License-Identifier: MIT
// What Python programs make of our files, and we of theirs. Needs an interpreter with numpy, better also torch,
// torchvision and safetensors: SOCO_ORACLE_PYTHON, and a second one with another torch in SOCO_ORACLE_PYTHON_TORCH2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "export/state.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/zip_archive.h"
#include "soco/export/export.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"
#include "testing/temp_dir.h"
#include "testing/test_path.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

std::string script(const char* name) { return testing::test_path(std::filesystem::path("oracles") / name).string(); }

struct Outcome {
  int status = -1;
  std::string output;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) outcome.output += buffer.data();
  outcome.status = pclose(pipe);
  return outcome;
}

/// The parameter names the variable that holds the interpreter.
class Python : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* value = std::getenv(GetParam());
    if (value == nullptr || *value == '\0') GTEST_SKIP() << GetParam() << " is not set";
    python_ = value;
  }
  /// Asked once for each interpreter and module: importing torch takes seconds.
  bool has(const std::string& module) const {
    static std::map<std::string, bool> known;
    const std::string command =
        python_ + " -c 'import importlib.util as u, sys; sys.exit(u.find_spec(\"" + module + "\") is None)'";
    const auto found = known.find(command);
    if (found != known.end()) return found->second;
    return known[command] = run(command).status == 0;
  }

  std::string python_;
};

std::string export_all(const StateDict& online, const TempDir& dir) {
  const auto write = [&](ExportFormat format, const std::string& name) {
    export_model(online, {{"epoch", "1"}}, format, dir / name);
    return (dir / name).string();
  };
  return " --source " + write(ExportFormat::kSafetensors, "m.safetensors") +  //
         " --detectron2 " + write(ExportFormat::kDetectron2Pkl, "d2.pkl") +   //
         " --detectron2 " + write(ExportFormat::kDetectron2Pth, "d2.pth") +   //
         " --mmdetection " + write(ExportFormat::kMmdetection, "mm.pth") +    //
         " --mmdetection-backbone " + write(ExportFormat::kMmdetectionBackbone, "mm_backbone.pth") + " --torchvision " +
         write(ExportFormat::kTorchvision, "tv.pth");
}

TEST_P(Python, ConsumersLoadResnet18) {
  TempDir dir;
  const std::string files = export_all(testing::resnet18_state(64), dir);
  const Outcome outcome = run(python_ + " " + script("export_check.py") + files + " --arch resnet18");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  std::printf("%s", outcome.output.c_str());
}

/// Thin, so names and shapes alone are a ResNet-50's; torchvision makes the same net by its width_per_group.
TEST_P(Python, ConsumersLoadResnet50Names) {
  if (!has("torchvision")) GTEST_SKIP() << GetParam() << ": no torchvision";
  TempDir dir;
  const ExportReport report = export_model(testing::resnet50_state(), {}, ExportFormat::kTorchvision, dir / "tv.pth");
  std::string ours;
  for (const auto& [name, theirs] : report.keys) ours += theirs + " ";
  const Outcome outcome = run(python_ +
                              " -c \"import torchvision; print(*sorted(k for k in "
                              "torchvision.models.resnet50(weights=None).state_dict() if not k.startswith('fc.')), "
                              "sep=' '); print(*sorted('" +
                              ours + "'.split()), sep=' ')\"");
  const std::size_t half = outcome.output.find('\n');
  EXPECT_EQ(outcome.output.substr(0, half + 1), outcome.output.substr(half + 1));
}

TEST_P(Python, AllElementTypesLoad) {
  if (!has("torch")) GTEST_SKIP() << GetParam() << ": no torch";
  TempDir dir;
  StateDict state;
  state.add("f64", HostTensor::from<double>({1}, {1.5}));
  state.add("i16", HostTensor::from<std::int16_t>({1}, {-3}));
  state.add("i8", HostTensor::from<std::int8_t>({1}, {-3}));
  state.add("flag", HostTensor::make(DType::kBool, {1}, {std::byte{1}}));
  state.add("bf16", HostTensor::make(DType::kBFloat16, {1}, {std::byte{0xc0}, std::byte{0x3f}}));
  state.add("empty", HostTensor::from<float>({0, 2}, std::vector<float>{}));
  write_torch_file(dir / "x.pth", PickleValue(dict_from_state_dict(state)));
  const Outcome outcome = run(python_ + " -c \"import torch; d = torch.load('" + (dir / "x.pth").string() +
                              "', weights_only=True); print({k: (str(v.dtype), v.tolist()) for k, v in d.items()})\"");
  EXPECT_THAT(outcome.output, HasSubstr("{'f64': ('torch.float64', [1.5]), 'i16': ('torch.int16', [-3]), "
                                        "'i8': ('torch.int8', [-3]), 'flag': ('torch.bool', [True]), "
                                        "'bf16': ('torch.bfloat16', [1.5]), 'empty': ('torch.float32', [])}"));
}

/// Files beyond 4 GiB use these structures; here a small one is made to.
TEST_P(Python, Zip64ArchivesLoad) {
  TempDir dir;
  write_torch_file(dir / "x.pth", PickleValue(PickleValue::Dict{}));
  ZipWriter zip(dir / "big.pth", ZipWriter::Zip64::kAlways);
  ZipReader small(dir / "x.pth");
  for (const auto& entry : small.entries()) {
    std::string bytes(entry.size, '\0');
    small.read(entry, std::as_writable_bytes(std::span(bytes)));
    zip.add(entry.name, bytes_of(bytes));
  }
  zip.finish();
  const std::string path = (dir / "big.pth").string();
  const Outcome outcome = run(python_ + " -c \"import zipfile; print(zipfile.ZipFile('" + path + "').testzip())\"");
  EXPECT_EQ(outcome.output, "None\n");
  if (!has("torch")) GTEST_SKIP() << GetParam() << ": no torch, zipfile alone was asked";
  EXPECT_EQ(run(python_ + " -c \"import torch; print(torch.load('" + path + "', weights_only=True))\"").output, "{}\n");
}

// ---- their files, our reader; values as in export_foreign.py ----

void expect_common_tensors(const StateDict& model) {
  EXPECT_EQ(model.at("weight"), HostTensor::from<float>({2, 3}, {0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(model.at("transposed"), HostTensor::from<float>({3, 2}, {0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(model.at("count"), HostTensor::from<std::int64_t>({}, {7}));
}

void expect_torch_content(const std::filesystem::path& path) {
  const PickleValue value = read_pickle_file(path);
  const StateDict model = extract_state_dict(*value.find("model"), path.string()).tensors;
  expect_common_tensors(model);
  EXPECT_EQ(model.at("row"), HostTensor::from<float>({3}, {3, 4, 5}));
  EXPECT_EQ(model.at("mask"), HostTensor::make(DType::kBool, {2}, {std::byte{1}, std::byte{0}}));
  EXPECT_EQ(model.at("half"),  // bfloat16 is the upper half of a float: 1.5 is 3fc0, -2 is c000
            HostTensor::make(DType::kBFloat16, {2}, {std::byte{0xc0}, std::byte{0x3f}, std::byte{0}, std::byte{0xc0}}));
  EXPECT_EQ(model.at("empty").shape, (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(*value.find("epoch")->get_if<std::int64_t>(), 3);
  EXPECT_EQ(*value.find("rate")->get_if<double>(), 0.1);
  EXPECT_EQ(*value.find("name")->get_if<std::string>(), "grün");
  EXPECT_EQ(*value.find("big")->get_if<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_EQ(*value.find("negative")->get_if<std::int64_t>(), -5);
  EXPECT_EQ(*value.find("opt")->find("batch_size")->get_if<std::int64_t>(), 4);
  EXPECT_EQ(value.find("size")->get_if<PickleValue::Tuple>()->items.size(), 2u);
  EXPECT_EQ(*value.find("dtype")->get_if<std::string>(), "torch.float16");
  EXPECT_EQ(value.find("history")->get_if<PickleValue::List>()->items.size(), 2000u);
}

TEST_P(Python, ReadsTheirTorchFiles) {
  if (!has("torch")) GTEST_SKIP() << GetParam() << ": no torch";
  TempDir dir;
  ASSERT_EQ(run(python_ + " " + script("export_foreign.py") + " " + dir.path().string()).status, 0);
  expect_torch_content(dir / "zip.pth");
  expect_torch_content(dir / "legacy.pth");
  const StateDict module = extract_state_dict(read_pickle_file(dir / "module.pth"), "module.pth").tensors;
  EXPECT_EQ(module.size(), 7u);
  EXPECT_EQ(module.at("0.weight").as<float>()[17], 17.0f);
  EXPECT_NE(read_pickle_file(dir / "optimizer.pth").find("optimizer"), nullptr);
  try {
    read_pickle_file(dir / "whole_module.pth");
    ADD_FAILURE() << "a pickled class was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("torch.nn.modules"));
  }
}

TEST_P(Python, ReadsTheirNumpyPickles) {
  TempDir dir;
  ASSERT_EQ(run(python_ + " " + script("export_foreign.py") + " " + dir.path().string()).status, 0);
  for (int protocol = 2; protocol <= 5; ++protocol) {
    const PickleValue value = read_pickle_file(dir / ("protocol" + std::to_string(protocol) + ".pkl"));
    const StateDict model = extract_state_dict(*value.find("model"), "x").tensors;
    expect_common_tensors(model);
    EXPECT_EQ(model.at("bytes"), HostTensor::from<std::uint8_t>({2}, {1, 255}));
    EXPECT_EQ(*value.find("score")->get_if<double>(), 0.25);
    EXPECT_EQ(*value.find("step")->get_if<std::int64_t>(), 9);
  }
}

INSTANTIATE_TEST_SUITE_P(Interpreter, Python, ::testing::Values("SOCO_ORACLE_PYTHON", "SOCO_ORACLE_PYTHON_TORCH2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/export/export.h"

#include <algorithm>

#include "soco/base/error.h"
#include "soco/base/suggest.h"
#include "soco/export/formats/detectron2.h"
#include "soco/export/formats/mmdetection.h"
#include "soco/export/formats/onnx.h"
#include "soco/export/formats/onnx_detector.h"
#include "soco/export/formats/safetensors.h"
#include "soco/export/formats/torchvision.h"
#include "soco/export/formats/torchvision_detector.h"

namespace soco {
namespace {

const FormatPart& part_from_format(ExportFormat format) {
  switch (format) {
    case ExportFormat::kSafetensors:
      return safetensors_format();
    case ExportFormat::kDetectron2Pkl:
      return detectron2_pkl_format();
    case ExportFormat::kDetectron2Pth:
      return detectron2_pth_format();
    case ExportFormat::kMmdetection:
      return mmdetection_format();
    case ExportFormat::kMmdetectionBackbone:
      return mmdetection_backbone_format();
    case ExportFormat::kTorchvision:
      return torchvision_format();
    case ExportFormat::kTorchvisionDetector:
      return torchvision_detector_format();
    case ExportFormat::kOnnx:
      return onnx_format();
    case ExportFormat::kOnnxHeads:
      return onnx_heads_format();
    case ExportFormat::kOnnxDetector:
      return onnx_detector_format();
  }
  SOCO_ASSERT(!"the formats are all above");
  return safetensors_format();
}

std::string_view name_from_format(ExportFormat format) {
  for (const ExportFormatInfo& info : export_formats())
    if (info.format == format) return info.name;
  return "";
}

/// A PyTorch file may be called .pt as well.
bool extension_fits(const ExportFormatInfo& info, const std::string& extension) {
  return extension == info.extension || (info.extension == ".pth" && extension == ".pt");
}

/// What differs first, for the message; empty when all is equal.
std::string first_difference(const StateDict& wanted, const StateDict& found) {
  if (wanted.size() != found.size()) return fmt::format("{} tensors instead of {}", found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& [name, tensor] = wanted.entries()[i];
    const auto& [other_name, other] = found.entries()[i];
    if (name != other_name) return fmt::format("'{}' in the place of '{}'", other_name, name);
    if (!(tensor == other)) return fmt::format("tensor '{}' differs", name);
  }
  return "";
}

void check_written(const FormatPart& part, const StateDict& wanted, const std::filesystem::path& out) {
  std::string problem;
  try {
    problem = first_difference(wanted, part.read(out));
  } catch (const Error& error) {
    problem = error.what();
  }
  if (problem.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(out, ignored);
  fail("{}: removed, since it does not read back as it was written ({}); is the disk failing?", out.string(), problem);
}

}  // namespace

const std::vector<ExportFormatInfo>& export_formats() {
  static const std::vector<ExportFormatInfo> formats{
      {ExportFormat::kSafetensors, "safetensors", ".safetensors", "all of the online network, our names"},
      {ExportFormat::kDetectron2Pkl, "detectron2", ".pkl",
       "whole detector, or what was pretrained of it; numpy arrays"},
      {ExportFormat::kDetectron2Pth, "detectron2", ".pth",
       "whole detector, or what was pretrained of it; PyTorch file"},
      {ExportFormat::kMmdetection, "mmdetection", ".pth",
       "whole detector, or what was pretrained of it, for load_from"},
      {ExportFormat::kMmdetectionBackbone, "mmdetection-backbone", ".pth", "backbone alone, for init_cfg"},
      {ExportFormat::kTorchvision, "torchvision", ".pth", "ResNet trunk under torchvision's names"},
      {ExportFormat::kTorchvisionDetector, "torchvision-detector", ".pth",
       "whole detector with a pyramid, or what was pretrained of it"},
      {ExportFormat::kOnnx, "onnx", ".onnx", "trunk, pyramid and the proposal network's head, for images of any size"},
      {ExportFormat::kOnnxHeads, "onnx-heads", ".onnx", "box, class and mask heads, for pooled boxes"},
      {ExportFormat::kOnnxDetector, "onnx-detector", ".onnx",
       "whole detector with its settings: an image in, boxes, scores, classes and masks out"}};
  return formats;
}

ExportFormat export_format_from_name(std::string_view name, const std::filesystem::path& out) {
  std::string extensions;
  std::vector<std::string> names;
  for (const ExportFormatInfo& info : export_formats()) {
    if (info.name != name) {
      names.emplace_back(info.name);
      continue;
    }
    if (extension_fits(info, out.extension().string())) return info.format;
    extensions += (extensions.empty() ? "" : " or ") + std::string(info.extension);
  }
  if (!extensions.empty()) fail_usage("{}: format {} goes into a file that ends in {}", out.string(), name, extensions);
  fail_usage(
      "unknown export format '{}'{}; formats: safetensors, detectron2, mmdetection, mmdetection-backbone, torchvision, "
      "torchvision-detector, onnx, onnx-heads, onnx-detector",
      name, did_you_mean(name, names));
}

ExportReport export_model(const StateDict& online, const std::map<std::string, std::string>& metadata,
                          ExportFormat format, const std::filesystem::path& out, const DetectorOptions* settings) {
  const FormatPart& part = part_from_format(format);
  const bool has_backbone = std::any_of(online.entries().begin(), online.entries().end(),
                                        [](const auto& entry) { return entry.first.starts_with("backbone."); });
  if (!has_backbone) fail("nothing to export: no backbone.* among the {} parameters", online.size());
  if (part.write_detector != nullptr && settings == nullptr)
    fail("{} needs a detector's settings, which are in the runs and files of 'soco finetune'; these weights have none",
         name_from_format(format));
  const NetworkShape shape = network_shape(online);
  const KeyMap key_map = part.key_map(shape);
  MappedStateDict mapped =
      map_state_dict(part.arrange == nullptr ? online : part.arrange(online, shape), key_map, name_from_format(format));
  if (part.write_detector != nullptr)
    part.write_detector(out, mapped.tensors, metadata, *settings);
  else
    part.write(out, mapped.tensors, metadata);
  check_written(part, mapped.tensors, out);
  return {.keys = std::move(mapped.keys),
          .skipped = std::move(mapped.skipped),
          .input_convention = part.input_convention(shape),
          .path = out,
          .bytes = std::filesystem::file_size(out)};
}

}  // namespace soco

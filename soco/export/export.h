// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/structures/host_tensor.h"

namespace soco {

struct DetectorOptions;  // soco/modeling/detector_options.h

/// The files that export_model writes. Their consumers: our own tools and any safetensors reader; Detectron2's
/// checkpointer (.pkl or .pth); MMDetection's `load_from` (detectors and parts of them) or backbone `init_cfg`;
/// torchvision's ResNets and detectors; any ONNX runtime.
enum class ExportFormat {
  kSafetensors,
  kDetectron2Pkl,
  kDetectron2Pth,
  kMmdetection,
  kMmdetectionBackbone,
  kTorchvision,
  kTorchvisionDetector,
  kOnnx,
  kOnnxHeads,
  kOnnxDetector,
};

/// One row of the table of formats: the name on the command line and the file extension that goes with it.
/// "detectron2" has two rows, told apart by the extension.
struct ExportFormatInfo {
  ExportFormat format;
  std::string_view name;
  std::string_view extension;  // with the dot
  std::string_view summary;
};

/// All formats, in the order in which help lists them.
const std::vector<ExportFormatInfo>& export_formats();

/// The format of a command-line name and an output file.
/// Errors (usage): unknown name, with a suggestion; an extension that is not the format's.
ExportFormat export_format_from_name(std::string_view name, const std::filesystem::path& out);

/// What an export did, for the terminal and the log.
struct ExportReport {
  std::vector<std::pair<std::string, std::string>> keys;  // ours -> theirs, in the order of the file
  std::vector<std::string> skipped;                       // ours, that have no place in this format
  std::string input_convention;  // how the consumer must feed images, and which of its settings make the same network
  std::filesystem::path path;
  std::uint64_t bytes = 0;  // size of the file
};

/// Writes a network for a consumer, then reads the file back and compares names, types, shapes and every bit.
/// `online`: parameters and buffers of a pretraining's online network or of a detector, by our names without "online."
/// (backbone.*, proposal_generator.*, roi_heads.*, projector.*, predictor.*).
/// `metadata`: strings of the checkpoint; kept in safetensors and ONNX, dropped elsewhere.
/// `settings`: of the detector, which kOnnxDetector needs and the others do not look at.
/// The consumers flatten box features [C, 7, 7] row-major as we do, so box_head.fc1 goes out as it is.
/// Errors: no settings where they are needed, or those of another detector; a name that no rule of the format knows, a
/// network that the consumer has no place for, no backbone among the names, read-back differs (the file is then
/// removed), disk full or not writable.
ExportReport export_model(const StateDict& online, const std::map<std::string, std::string>& metadata,
                          ExportFormat format, const std::filesystem::path& out,
                          const DetectorOptions* settings = nullptr);

}  // namespace soco

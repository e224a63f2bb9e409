// SPDX-License-Identifier: MIT
#include "soco/export/export.h"

#include <optional>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/log.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/cli/commands.h"
#include "soco/run/detector_file.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace {

SafetensorsFile load_source(const std::string& from, Logger& log) {
  if (!is_run_folder(from)) return read_safetensors(from);
  // Of a detector that was judged, what `soco predict` takes.
  const std::filesystem::path best = RunFolder::of_job(from).best();
  if (std::filesystem::exists(best)) {
    log.info("exporting {}", best.string());
    return read_safetensors(best);
  }
  auto loaded = load_latest_checkpoint(std::filesystem::path(from) / "checkpoints", log);
  if (!loaded) fail("--from {}: the run has no checkpoint yet", from);
  log.info("exporting {}", loaded->path.string());
  return std::move(loaded->file);
}

/// The tensors of the network under its own names: of a checkpoint of pretraining (model.online.*) or of fine-tuning
/// (its moving average ema.*, or model.*), or of an exported file (bare names).
StateDict network_of(const SafetensorsFile& file, const std::string& from) {
  for (const std::string_view prefix : {"model.online.", "ema.", "model."}) {
    StateDict network;
    for (const auto& [name, tensor] : file.tensors.entries())
      if (name.starts_with(prefix)) network.add(name.substr(prefix.size()), tensor);
    if (network.size() > 0) return network;
  }
  for (const char* stem : {"backbone.bottom_up.stem.conv1.weight", "backbone.stem.conv1.weight"})
    if (file.tensors.find(stem) != nullptr) return file.tensors;
  fail("--from {}: holds neither a training checkpoint (model.*) nor exported weights (backbone.*)", from);
}

std::string format_names() {
  std::string names;
  for (const ExportFormatInfo& info : export_formats())
    if (names.find(info.name) == std::string::npos || info.name == "mmdetection")
      names += (names.empty() ? "" : ", ") + std::string(info.name);
  return names;
}

/// How a detector's images are made, for the programs that will make them.
std::string input_text(const DetectionInputOptions& input) {
  return fmt::format(
      "{}, (x / 255 - mean) / std; mean of red, green, blue {}; std {}; short edge {} px, long edge at most {} px; "
      "padded with zeros at right and bottom to multiples of {} px",
      input.channels == ChannelOrder::kRgb ? "RGB" : "BGR", fmt::join(input.mean, ", "), fmt::join(input.std, ", "),
      input.test_short_edge, input.test_max_edge, input.size_divisor);
}

void print_report(const ExportReport& report, Logger& log) {
  for (const auto& [ours, theirs] : report.keys) log.info("  {} -> {}", ours, theirs);
  for (const std::string& name : report.skipped) log.info("  {} -> (not in this format)", name);
}

}  // namespace

int run_export(int argc, char** argv) {
  std::string from, format, out;
  std::optional<double> score, nms;
  bool list_keys = false;
  CommandLine line(
      "export",
      "Writes the weights of a pretraining's online network, or of a detector, for another program; read back and "
      "compared before success is said.",
      "  soco export --from runs/first --format detectron2 --out soco.pkl\n"
      "  soco export --from runs/first --format mmdetection --out soco_mmdet.pth\n"
      "  soco export --from runs/first --format torchvision --out resnet50_soco.pth\n"
      "  soco export --from runs/detector --format torchvision-detector --out maskrcnn.pth\n"
      "  soco export --from runs/detector --format onnx-detector --out detector.onnx\n");
  line.app
      .add_option("--from", from,
                  "run folder (of soco finetune its best detector, else its newest), or a .safetensors checkpoint")
      ->required();
  line.app.add_option("--format", format, "one of: " + format_names())->required();
  line.app.add_option("--out", out, "file to write (detectron2: .pkl or .pth)")->required();
  line.app
      .add_option("--score", score, "onnx-detector: detections with a score not above it are left out (else the run's)")
      ->check(CLI::Range(0.0, 1.0));
  line.app
      .add_option("--nms", nms,
                  "onnx-detector: IoU above which the lesser of two detections of a class goes (else the run's)")
      ->check(CLI::Range(0.0, 1.0));
  line.app.add_flag("--keys", list_keys, "list every key, ours -> theirs");
  if (!line.parse(argc, argv)) return 0;
  ConsoleLogger log;
  const ExportFormat chosen = export_format_from_name(format, out);
  if ((score || nms) && chosen != ExportFormat::kOnnxDetector)
    fail_usage("export: --score and --nms are of the format onnx-detector; {} holds no rules", format);
  SafetensorsFile source = load_source(from, log);
  std::optional<DetectorOptions> settings;
  if (chosen == ExportFormat::kOnnxDetector) {
    FinetuneOptions options = detector_settings(source.metadata, from);
    if (score) options.model.roi_heads.score_threshold = *score;
    if (nms) options.model.roi_heads.nms_iou = *nms;
    settings = options.model;
    source.metadata["config"] = dump_toml(options);
    source.metadata["input"] = input_text(options.input);
  }
  const ExportReport report =
      export_model(network_of(source, from), source.metadata, chosen, out, settings ? &*settings : nullptr);
  if (list_keys) print_report(report, log);
  log.info("wrote {} ({}, {} tensors, {} left out{}): read back and equal", out, format_bytes(report.bytes),
           report.keys.size(), report.skipped.size(), report.skipped.empty() || list_keys ? "" : ", --keys lists them");
  log.info("the consumer must set: {}", report.input_convention);
  return 0;
}

}  // namespace soco

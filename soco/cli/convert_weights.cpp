// SPDX-License-Identifier: MIT
#include "soco/cli/convert_weights.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/suggest.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/export/export.h"
#include "soco/export/network_shape.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/weights.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace {

constexpr std::size_t kNamesShown = 10;  // without --keys
constexpr std::string_view kDetectorWithSettings = "onnx-detector";

/// Formats of both networks: name and extension. Those of the online network alone are export_formats().
struct TrainingFormatInfo {
  TrainingFormat format;
  std::string_view name, extension;
};
constexpr TrainingFormatInfo kTrainingFormats[] = {{TrainingFormat::kSocoWeights, "soco-weights", ".safetensors"},
                                                   {TrainingFormat::kSocoRelease, "soco-release", ".pth"}};

std::string chosen_format(const ConvertWeightsArguments& a) {
  if (!a.format.empty()) return a.format;
  const std::string extension = std::filesystem::path(a.out).extension();
  if (extension == ".safetensors") return "soco-weights";
  if (extension == ".pkl") return "detectron2";
  fail_usage("convert: --out {}: --format says which program's file it is to be, one of: {}", a.out,
             weights_format_names());
}

const TrainingFormatInfo* training_format(const std::string& name, const std::string& out) {
  for (const TrainingFormatInfo& info : kTrainingFormats) {
    if (info.name != name) continue;
    if (std::filesystem::path(out).extension() != info.extension)
      fail_usage("{}: format {} goes into a file that ends in {}", out, name, info.extension);
    return &info;
  }
  return nullptr;
}

/// Before anything is read: an unknown format costs no minute.
void check_format(const std::string& name, const ConvertWeightsArguments& a) {
  const TrainingFormatInfo* training = training_format(name, a.out);
  if (a.momentum && (training == nullptr || training->format != TrainingFormat::kSocoWeights))
    fail_usage("convert: --momentum goes into soco-weights alone, the format is {}", name);
  if (training != nullptr) return;
  std::vector<std::string> names;
  for (const TrainingFormatInfo& info : kTrainingFormats) names.emplace_back(info.name);
  for (const ExportFormatInfo& info : export_formats()) names.emplace_back(info.name);
  if (std::find(names.begin(), names.end(), name) == names.end())
    fail_usage("unknown format of weights '{}'{}; formats: {}", name, did_you_mean(name, names),
               weights_format_names());
  if (name == kDetectorWithSettings)
    fail_usage("convert: {} holds a detector's settings too; 'soco export' writes it from runs and files of "
               "'soco finetune'",
               name);
  export_format_from_name(name, a.out);
}

ReadWeights read_source(const ConvertWeightsArguments& a, Logger& log) {
  ReadWeightsOptions options{.layout = {},
                             .mismatch = a.partial ? Mismatch::kAccept : Mismatch::kRefuse,
                             .momentum = a.momentum ? Momentum::kTake : Momentum::kLeave};
  if (!a.architecture.empty()) options.layout = a.architecture == "c4" ? TrunkLayout::kC4 : TrunkLayout::kFpn;
  if (!is_run_folder(a.from)) return read_weights(a.from, options);
  const auto loaded = load_latest_checkpoint(std::filesystem::path(a.from) / "checkpoints", log);
  if (!loaded) fail("--from {}: the run has no checkpoint yet", a.from);
  log.info("reading {}", loaded->path.string());
  return weights_from_tensors(loaded->file.tensors, loaded->file.metadata, loaded->path.string(), options);
}

void print_report(const LoadReport& report, bool list_keys, Logger& log) {
  for (const auto& [theirs, ours] : report.matched)
    if (list_keys) log.info("  {} -> {}", printable(theirs), ours);
  const std::size_t most = list_keys ? std::numeric_limits<std::size_t>::max() : kNamesShown;
  log.info("read a {}, {} layout: {}", report.format, report.layout == TrunkLayout::kC4 ? "c4" : "fpn",
           report_text(report, most));
  for (const std::string& warning : report.warnings) log.warning("{}", warning);
}

}  // namespace

bool looks_like_weights(const std::string& from) {
  const std::filesystem::path path = from;
  static const std::set<std::string> extensions{".pth", ".pt", ".pkl", ".safetensors"};
  if (extensions.contains(path.extension().string()) || is_run_folder(path)) return true;
  std::ifstream stream(path, std::ios::binary);
  return stream.get() == 0x80 || is_zip_file(path);
}

std::string weights_format_names() {
  std::string names;
  for (const TrainingFormatInfo& info : kTrainingFormats) names += std::string(info.name) + ", ";
  std::string_view last;
  for (const ExportFormatInfo& info : export_formats()) {
    if (info.name != last && info.name != kDetectorWithSettings)
      names += (last.empty() ? "" : ", ") + std::string(info.name);
    last = info.name;
  }
  return names;
}

int convert_weights(const ConvertWeightsArguments& a, Logger& log) {
  std::string format = chosen_format(a);
  check_format(format, a);
  ReadWeights source = read_source(a, log);
  if (a.format.empty() && format == "soco-weights" && network_shape(source.weights.online).detector)
    format = "safetensors";  // it is no pretraining's
  print_report(source.report, a.list_keys, log);
  std::vector<std::pair<std::string, std::string>> keys;
  std::vector<std::string> left_out;
  std::string convention;
  if (const TrainingFormatInfo* training = training_format(format, a.out)) {
    keys = write_weights(std::move(source.weights), training->format, a.out);
  } else {
    ExportReport report =
        export_model(source.weights.online, source.weights.metadata, export_format_from_name(format, a.out), a.out);
    keys = std::move(report.keys);
    left_out = std::move(report.skipped);
    convention = std::move(report.input_convention);
  }
  for (const auto& [ours, theirs] : keys)
    if (a.list_keys) log.info("  {} -> {}", ours, theirs);
  for (const std::string& ours : left_out)
    if (a.list_keys) log.info("  {} -> (not in this format)", ours);
  log.info("wrote {} ({}, {} tensors, {} left out{}): read back and equal", a.out,
           format_bytes(std::filesystem::file_size(a.out)), keys.size(), left_out.size(),
           left_out.empty() || a.list_keys ? "" : ", --keys lists them");
  if (!convention.empty()) log.info("the consumer must set: {}", convention);
  return 0;
}

}  // namespace soco

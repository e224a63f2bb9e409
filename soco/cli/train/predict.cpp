// SPDX-License-Identifier: MIT
#include "soco/engine/predict.h"

#include <algorithm>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/signals.h"
#include "soco/cli/command_line.h"
#include "soco/cli/train/training_commands.h"

namespace soco {
namespace {

constexpr int kTileOverlapShare = 4;  // tiles overlap by a quarter unless told otherwise

}  // namespace

int run_predict(int argc, char** argv) {
  PredictOptions options;
  std::string device = "auto";
  std::optional<int> overlap;
  CommandLine line(
      "predict", "Finds objects in images with a trained detector; writes COCO results.",
      "  soco predict --model runs/detector --images photos --out results.json --draw drawn\n"
      "  soco predict --model runs/detector --images val --annotations val.json --out results.json\n"
      "  find . -name '*.png' | soco predict --model best.safetensors --images - --out r.json --tile 1024\n");
  CLI::App& app = line.app;
  const CLI::Range share(0.0, 1.0);
  app.add_option("--model", options.model, "run of soco finetune (its best detector, else its newest), or a file of it")
      ->required();
  app.add_option("--images", options.images, "as pretrain takes them, or - for a path a line from the standard input");
  app.add_option("--annotations", options.annotations,
                 "take image ids from these labels, so that results can be judged");
  app.add_option("--out", options.out, "COCO results .json to write")->required();
  app.add_option("--draw", options.draw, "folder for the images with what was found on them");
  app.add_option("--draw-score", options.draw_score, "least score that is drawn")->capture_default_str()->check(share);
  app.add_option("--batch", options.batch_size, "images (or tiles) at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_option("--score", options.score, "detections with a score not above it are left out (else the run's)")
      ->check(share);
  app.add_option("--nms", options.nms, "IoU above which the lesser of two detections of a class goes (else the run's)")
      ->check(share);
  app.add_option("--short-edge", options.short_edge, "px that the short edge is resized to (else the run's)")
      ->check(CLI::Range(1, 8192));
  app.add_option("--max-edge", options.max_edge, "most px of the long edge after that (else the run's)")
      ->check(CLI::Range(1, 16384));
  app.add_option("--tile", options.tile, "cut images into tiles of so many px; 0: whole images")
      ->capture_default_str()
      ->check(CLI::Range(0, 65536));
  app.add_option("--tile-overlap", overlap, "px that neighbouring tiles share (else a quarter)")
      ->check(CLI::Range(0, 65536));
  app.add_option("--device", device, "auto, cpu or cuda")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  app.add_option("--threads", options.num_threads, "threads of one operation (else all cores)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--workers", options.num_workers, "threads that decode images (else the run's)")
      ->check(CLI::Range(0, 1024));
  if (!line.parse(argc, argv)) return 0;
  if (options.images.empty() && options.annotations.empty()) fail_usage("predict: give --images, or --annotations");
  options.device = device == "cpu" ? DeviceChoice::kCpu : device == "cuda" ? DeviceChoice::kCuda : DeviceChoice::kAuto;
  options.tile_overlap = overlap.value_or(options.tile / kTileOverlapShare);
  if (options.tile > 0 && options.tile_overlap >= options.tile)
    fail_usage("--tile-overlap {} must be less than --tile {}", options.tile_overlap, options.tile);
  ConsoleLogger log;
  install_stop_signals();
  const PredictSummary summary = predict(options, log);
  log.info("{}: {} detections in {} images ({} bad ones left out), {} ({:.2f} images/s)", options.out.string(),
           summary.num_detections, summary.num_images, summary.num_bad, format_duration(summary.seconds),
           static_cast<double>(summary.num_images) / std::max(summary.seconds, 1e-9));
  return 0;
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/cli/inspect_detection.h"

#include <string>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/cli/command_line.h"
#include "soco/data/detection_dataset.h"
#include "soco/data/detection_loader.h"
#include "soco/data/detection_options.h"
#include "soco/data/detection_source.h"
#include "soco/image/image_index.h"
#include "soco/report/detection_sheet.h"
#include "soco/run/pretrain_options.h"

namespace soco {
namespace {

struct InspectDetectionOptions {
  std::int64_t seed = 0;
  DetectionInputOptions input;
  DetectionDataOptions labels;
  DataOptions data;

  template <class V>
  void visit(V& v) {
    v.field("seed", seed, "seed of order, sizes and flips", Range<std::int64_t>{0, INT64_MAX});
    v.section("input", input, "how a detector's input is made of an image");
    v.section("labels", labels, "which images of a labelled set are trained on, and in what order");
    v.section("data", data, "which images are accepted");
  }
};

DetectionSource read_sources(const std::vector<std::string>& annotations, const std::vector<std::string>& images,
                             const InspectDetectionOptions& options, Repairs* repairs, Logger& log) {
  if (!images.empty() && images.size() != annotations.size())
    fail_usage(
        "inspect detection: --images was given {} times for {} label files; give it once for each, or not at all",
        images.size(), annotations.size());
  std::vector<DetectionSource> sources;
  for (std::size_t i = 0; i < annotations.size(); ++i)
    sources.push_back(read_detection_source(annotations[i], images.empty() ? std::string() : images[i],
                                            {.masks = options.labels.masks,
                                             .limits = options.data.decode_limits(),
                                             .repairs = repairs,
                                             .index_folder = default_index_folder()},
                                            log));
  return merge_sources(std::move(sources));
}

}  // namespace

int run_inspect_detection(int argc, char** argv) {
  std::vector<std::string> annotations, images;
  std::string out = "detection.png";
  int count = 12;
  std::int64_t epoch = 0;
  bool repair = false;
  InspectDetectionOptions options;
  CommandLine line("inspect detection", "Draws training samples of a labelled set with their boxes, shapes and names.",
                   "  soco inspect detection --train annotations/instances_train2017.json --images train2017\n"
                   "  soco inspect detection --train VOC2007 --images VOC2007/ImageSets/Main/trainval.txt\n"
                   "  soco inspect detection --train data.yaml --count 24 --out samples.png input.short_edges=[320]\n");
  line.app.add_option("--train", annotations, "labels: COCO or LVIS .json, VOC folder, YOLO .yaml; may be repeated")
      ->required()
      ->allow_extra_args(false);
  line.app.add_option("--images", images, "their images, in the same order (default: looked for beside the labels)")
      ->allow_extra_args(false);
  line.app.add_option("--count,--num", count, "samples to draw")->capture_default_str()->check(CLI::Range(1, 400));
  line.app.add_option("--epoch", epoch, "epoch to draw")->capture_default_str()->check(CLI::NonNegativeNumber);
  line.app.add_option("--out", out, "PNG or JPEG to write")->capture_default_str();
  line.app.add_flag("--repair", repair, "leave out or put right faulty entries, instead of stopping at the first");
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  line.apply_overrides(options);
  validate_options(options);
  ConsoleLogger log;
  Repairs repairs;
  DetectionSource source = read_sources(annotations, images, options, repair ? &repairs : nullptr, log);
  for (const std::string& text : repairs.lines()) log.warning("{}", text);
  const DetectionDataset dataset(std::move(source),
                                 {.masks = options.labels.masks,
                                  .keep_empty = options.labels.keep_empty,
                                  .label_fraction = options.labels.label_fraction,
                                  .fraction_seed = options.labels.fraction_seed,
                                  .limits = options.data.decode_limits(),
                                  .max_bad_ratio = options.data.max_bad_ratio},
                                 log);
  log.info("{} images, {} categories, {}", dataset.size(), dataset.num_labels(),
           dataset.has_masks() ? "boxes and shapes" : "boxes");
  write_image(out, draw_detection_samples(dataset,
                                          {.input = options.input,
                                           .aspect_grouping = options.labels.aspect_grouping,
                                           .repeat_threshold = options.labels.repeat_threshold,
                                           .seed = static_cast<std::uint64_t>(options.seed),
                                           .batch_size = 1},
                                          epoch, count));
  log.info("wrote {}", out);
  return 0;
}

}  // namespace soco

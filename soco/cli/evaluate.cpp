// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/base/missing_names.h"
#include "soco/base/progress.h"
#include "soco/base/thread_pool.h"
#include "soco/cli/commands.h"
#include "soco/evaluation/proposal_recall.h"
#include "soco/evaluation/ranked_results.h"
#include "soco/evaluation/voc_metrics.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/key_index.h"
#include "soco/proposals/store.h"
#include "soco/report/detection_report.h"
#include "soco/report/recall_report.h"
#include "soco/structures/coco_json.h"

namespace soco {
namespace {

struct EvaluateArguments {
  std::string metric, gt, dt, iou_type = "bbox", size_of = "auto", voc_boxes = "exclusive", proposals, filter = "none";
  std::string json, plot;
  int workers = 0;
  bool repair = false;
};

std::string file_name(const std::filesystem::path& path) { return path.filename().string(); }

ProposalRecall evaluate_results(const AnnotationSet& truth, const EvaluateArguments& a, Logger& log) {
  const RankedResults results = read_ranked_results(a.proposals, truth.images);
  if (results.unknown_images.count() > 0) {
    log.warning("{}: results of images that {} lacks, left out: {}", a.proposals, a.gt, results.unknown_images.text());
  }
  return evaluate_proposals(truth, [&](const AnnotatedImage& image) { return results.boxes_of_image.at(image.id); });
}

ProposalRecall evaluate_store(const AnnotationSet& truth, const EvaluateArguments& a, Logger& log) {
  const FilterOptions filter = parse_filter(a.filter);
  const ProposalStore store = ProposalStore::open_read(a.proposals);
  const KeyIndex keys(store.keys());
  MissingNames missing, bad;
  Progress progress(log, "evaluate", static_cast<std::int64_t>(truth.images.size()), "images");
  std::int64_t num_seen = 0;
  const ProposalRecall recall = evaluate_proposals(truth, [&](const AnnotatedImage& image) {
    progress.update(++num_seen);
    std::vector<CocoBox> boxes;
    const std::optional<std::size_t> index = keys.find(image.file_name);
    if (!index) {
      missing.add(image.file_name);
      return boxes;
    }
    const ProposalRecord record = store.get(keys.keys()[*index]).value();
    if (!record.error.empty()) {
      bad.add(image.file_name);
      return boxes;
    }
    const ProposalSet& set = record.proposals;
    if (set.height != image.height || set.width != image.width) {
      fail("{}: '{}' is {} x {} pixels there and {} x {} in {}", a.proposals, record.key, set.width, set.height,
           image.width, image.height, a.gt);
    }
    for (const Box& box : filter_proposals(set.boxes, set.height, set.width, filter)) {
      boxes.push_back(coco_box_from_box(box));
    }
    return boxes;
  });
  progress.finish();
  missing.check_minority(recall.num_images, a.proposals, "images of " + a.gt + ", so many have no row:");
  if (missing.count() > 0)
    log.warning("{}: images without a row, counted as without boxes: {}", a.proposals, missing.text());
  if (bad.count() > 0) log.warning("{}: bad images, counted as without boxes: {}", a.proposals, bad.text());
  return recall;
}

void run_proposals(const EvaluateArguments& a, Logger& log) {
  const bool is_results = std::filesystem::path(a.proposals).extension() == ".json";
  if (is_results && a.filter != "none") fail_usage("evaluate: --filter is for stores; {} are results", a.proposals);
  const AnnotationSet truth = read_coco_annotations(a.gt);
  const ProposalRecall recall = is_results ? evaluate_results(truth, a, log) : evaluate_store(truth, a, log);
  std::fputs(recall_table(recall).c_str(), stdout);
  if (!a.json.empty()) write_file_atomic(a.json, recall_json(recall, a.gt, a.proposals));
  if (!a.plot.empty()) write_file_atomic(a.plot, recall_svg(recall, file_name(a.proposals) + " on " + file_name(a.gt)));
}

DetectionMetrics measure(DetectionData data, const EvaluateArguments& a) {
  const int workers = a.workers > 0 ? a.workers : num_available_cpus();
  if (a.metric == "coco") return evaluate_coco(data, workers);
  if (a.metric == "lvis") return evaluate_lvis(std::move(data), workers);
  return evaluate_voc(data, a.metric == "voc07" ? VocYear::k2007 : VocYear::k2010,
                      a.voc_boxes == "inclusive" ? VocBoxes::kInclusive : VocBoxes::kExclusive, workers);
}

void report_repairs(const Repairs& repairs, Logger& log) {
  for (const std::string& line : repairs.lines()) log.warning("repaired: {}", line);
  const std::int64_t more = repairs.count() - static_cast<std::int64_t>(repairs.lines().size());
  if (more > 0) log.warning("repaired: {} more", more);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void run_detections(const EvaluateArguments& a, Logger& log) {
  Repairs repairs;
  const bool masks = a.iou_type == "segm";
  const auto begin = std::chrono::steady_clock::now();
  DetectionData data = read_detection_data(a.gt, a.dt,
                                           {.overlap = masks ? OverlapKind::kMask : OverlapKind::kBox,
                                            .size_of = a.size_of == "mask" ? SizeOf::kMask : SizeOf::kAsPycocotools,
                                            .repairs = a.repair ? &repairs : nullptr});
  report_repairs(repairs, log);
  const double read_s = seconds_since(begin);
  const DetectionMetrics metrics = measure(std::move(data), a);
  log.info("read in {:.2f}s, evaluated in {:.2f}s", read_s, seconds_since(begin) - read_s);
  std::fputs(detection_table(metrics).c_str(), stdout);
  if (!a.json.empty()) {
    write_file_atomic(a.json, detection_json(metrics, {a.gt, a.dt, a.iou_type, repairs}));
  }
  if (!a.plot.empty()) write_file_atomic(a.plot, detection_svg(metrics, file_name(a.dt) + " on " + file_name(a.gt)));
}

void check(const EvaluateArguments& a) {
  const bool is_proposals = a.metric == "proposals", is_voc = a.metric == "voc07" || a.metric == "voc10";
  if (is_proposals != !a.proposals.empty()) {
    fail_usage("evaluate: --proposals FILE is for --metric proposals, and needed there; results go to --dt");
  }
  if (is_proposals != a.dt.empty()) fail_usage("evaluate: --dt RESULTS.json is needed for --metric {}", a.metric);
  if (is_proposals && a.repair) fail_usage("evaluate: --repair is not for --metric proposals");
  if (!is_proposals && a.filter != "none") fail_usage("evaluate: --filter is for --metric proposals");
  if ((is_voc || is_proposals) && a.iou_type != "bbox") fail_usage("evaluate: --metric {} is of boxes alone", a.metric);
  if (is_voc && !a.plot.empty()) fail_usage("evaluate: --plot is not for --metric {}", a.metric);
  if (!is_voc && a.voc_boxes != "exclusive") fail_usage("evaluate: --voc-boxes is for --metric voc07 or voc10");
  if (a.workers < 0) fail_usage("evaluate: --workers {}; expected 1 or more, or 0 for all CPUs", a.workers);
}

}  // namespace

int run_evaluate(int argc, char** argv) {
  EvaluateArguments a;
  CommandLine line(
      "evaluate",
      "Measures detections against COCO annotations: average precision and recall as COCO, LVIS and Pascal "
      "VOC define them, of boxes or masks; or object proposals: recall and average best overlap.",
      "  soco evaluate --gt instances_val2017.json --dt results.json\n"
      "  soco evaluate --gt lvis_v1_val.json --dt results.json --metric lvis --iou-type segm --json r.json\n"
      "  soco evaluate --metric proposals --gt gt.json --proposals proposals.db --plot recall.svg\n");
  line.app.add_option("--metric", a.metric, "what to measure [coco; proposals when --proposals is given]")
      ->check(CLI::IsMember({"coco", "lvis", "voc07", "voc10", "proposals"}));
  line.app.add_option("--gt", a.gt, "COCO or LVIS annotations of the images")->required();
  line.app.add_option("--dt", a.dt, "COCO results of a detector");
  line.app.add_option("--iou-type", a.iou_type, "what is compared: boxes or masks")
      ->check(CLI::IsMember({"bbox", "segm"}))
      ->capture_default_str();
  line.app
      .add_option("--size-of", a.size_of,
                  "with masks, whose area sorts detections by size: auto (as pycocotools: boxes where the results have "
                  "them) or mask")
      ->check(CLI::IsMember({"auto", "mask"}))
      ->capture_default_str();
  line.app
      .add_option("--voc-boxes", a.voc_boxes,
                  "x + width is where a box ends (exclusive) or its last pixel (inclusive: xmax - xmin)")
      ->check(CLI::IsMember({"exclusive", "inclusive"}))
      ->capture_default_str();
  line.app.add_flag("--repair", a.repair, "put right what can be put right in both files, and list it");
  line.app.add_option("--workers", a.workers, "threads, 0: all CPUs; figures do not depend on it")
      ->capture_default_str();
  line.app.add_option("--proposals", a.proposals, "a store, or COCO results (.json), ranked by score");
  line.app
      .add_option("--filter", a.filter, "of a store, boxes to keep: none, or ratio=R,size=MIN:MAX,min=SIDE[,dedup]")
      ->capture_default_str();
  line.app.add_option("--json", a.json, "write all figures there");
  line.app.add_option("--plot", a.plot, "write an SVG plot there");
  if (!line.parse(argc, argv)) return 0;
  if (a.metric.empty()) a.metric = a.proposals.empty() ? "coco" : "proposals";
  check(a);
  ConsoleLogger log;
  a.metric == "proposals" ? run_proposals(a, log) : run_detections(a, log);
  return 0;
}

}  // namespace soco

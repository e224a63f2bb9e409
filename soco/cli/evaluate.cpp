// SPDX-License-Identifier: MIT
#include <cstdio>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/base/missing_names.h"
#include "soco/base/progress.h"
#include "soco/cli/commands.h"
#include "soco/evaluation/proposal_recall.h"
#include "soco/evaluation/ranked_results.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/key_index.h"
#include "soco/proposals/store.h"
#include "soco/report/recall_report.h"
#include "soco/structures/coco_json.h"

namespace soco {
namespace {

struct EvaluateArguments {
  std::string gt, proposals, filter = "none", json, plot;
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

}  // namespace

int run_evaluate(int argc, char** argv) {
  EvaluateArguments a;
  std::string metric = "proposals";
  CommandLine line(
      "evaluate",
      "Measures object proposals against COCO annotations: recall (COCO's, class-agnostic) and average best "
      "overlap, by number of boxes kept, category and object size.",
      "  soco evaluate --metric proposals --gt instances_val2017.json --proposals proposals.db\n"
      "  soco evaluate --metric proposals --gt gt.json --proposals results.json --json r.json --plot r.svg\n");
  line.app.add_option("--metric", metric, "proposals")->capture_default_str();
  line.app.add_option("--gt", a.gt, "COCO annotations of the images")->required();
  line.app.add_option("--proposals", a.proposals, "a store, or COCO results (.json), ranked by score")->required();
  line.app
      .add_option("--filter", a.filter, "of a store, boxes to keep: none, or ratio=R,size=MIN:MAX,min=SIDE[,dedup]")
      ->capture_default_str();
  line.app.add_option("--json", a.json, "write all figures there");
  line.app.add_option("--plot", a.plot, "write an SVG plot there");
  if (!line.parse(argc, argv)) return 0;
  if (metric != "proposals") fail_usage("evaluate: --metric {}: what can be measured is: proposals", metric);
  const bool is_results = std::filesystem::path(a.proposals).extension() == ".json";
  if (is_results && a.filter != "none") fail_usage("evaluate: --filter is for stores; {} are results", a.proposals);
  ConsoleLogger log;
  const AnnotationSet truth = read_coco_annotations(a.gt);
  const ProposalRecall recall = is_results ? evaluate_results(truth, a, log) : evaluate_store(truth, a, log);
  std::fputs(recall_table(recall).c_str(), stdout);
  if (!a.json.empty()) write_file_atomic(a.json, recall_json(recall, a.gt, a.proposals));
  if (!a.plot.empty()) write_file_atomic(a.plot, recall_svg(recall, file_name(a.proposals) + " on " + file_name(a.gt)));
  return 0;
}

}  // namespace soco

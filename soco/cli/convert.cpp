// SPDX-License-Identifier: MIT
#include <array>

#include "soco/base/error.h"
#include "soco/base/json_reader.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/commands.h"
#include "soco/cli/convert_weights.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/proposals/coco_convert.h"
#include "soco/proposals/refilter.h"
#include "soco/proposals/release_json.h"
#include "soco/proposals/store.h"
#include "soco/structures/coco_json.h"

namespace soco {
namespace {

enum class JsonFormat { kSoco, kCocoResults, kCocoAnnotations };
constexpr std::array<EnumName<JsonFormat>, 3> kFormatNames{{{JsonFormat::kSoco, "soco-json"},
                                                            {JsonFormat::kCocoResults, "coco-results"},
                                                            {JsonFormat::kCocoAnnotations, "coco-annotations"}}};

struct ConvertArguments {
  std::string from, out, images, annotations, format, filter = "none";
  double min_score = CocoImportOptions{}.min_score;
  bool partial = false;
};

bool is_json(const std::string& path) { return std::filesystem::path(path).extension() == ".json"; }

/// Results are a list, annotations an object with three certain lists, and the release's file is any other object.
JsonFormat format_of(const std::string& path) {
  JsonReader json(path, "");
  if (json.peek() == JsonReader::Kind::kArray) return JsonFormat::kCocoResults;
  int num_lists = 0;
  json.read_object([&](const std::string& key) {
    num_lists += key == "images" || key == "annotations" || key == "categories";
    json.skip();
  });
  return num_lists == 3 ? JsonFormat::kCocoAnnotations : JsonFormat::kSoco;
}

void check_results_annotations(const ConvertArguments& a, JsonFormat format) {
  if (format == JsonFormat::kCocoResults && a.annotations.empty()) {
    fail_usage("convert: --annotations is needed with COCO results, which name images by the ids of such a file");
  }
  if (format != JsonFormat::kCocoResults && !a.annotations.empty()) {
    fail_usage("convert: --annotations is for coco-results; this is {}", enum_name(format, kFormatNames));
  }
}

void import_json(const ConvertArguments& a, Logger& log) {
  if (a.images.empty()) fail_usage("convert: --images is needed with JSON: a store holds their sizes and fingerprints");
  const JsonFormat format = a.format.empty() ? format_of(a.from) : parse_enum(a.format, kFormatNames, "--format");
  check_results_annotations(a, format);
  const ImageList entries = list_images(a.images, {.logger = &log, .index_folder = default_index_folder()});
  const FilterOptions filter = parse_filter(a.filter);
  if (format == JsonFormat::kSoco) {
    const ReleaseJsonSummary s =
        import_release_json(a.from, entries, a.out, filter, a.partial ? ForeignNames::kMany : ForeignNames::kFew);
    log.info("{}: {} images, {} boxes, {} images without an entry", a.out, s.num_images, s.num_boxes, s.num_missing);
    if (s.unused.count() > 0) log.warning("{}: entries without an image, left out: {}", a.from, s.unused.text());
    return;
  }
  const CocoConvertSummary s = import_coco(
      {.json = a.from, .annotations = a.annotations, .min_score = a.min_score, .filter = filter}, entries, a.out, log);
  log.info("{}: {} images, {} boxes, {} boxes left out, {} names unmatched", a.out, s.num_images, s.num_boxes,
           s.num_dropped, s.num_unmatched);
}

void export_json(const ConvertArguments& a, Logger& log) {
  const JsonFormat format = a.format.empty() ? JsonFormat::kSoco : parse_enum(a.format, kFormatNames, "--format");
  check_results_annotations(a, format);
  const ProposalStore store = ProposalStore::open_read(a.from);
  const FilterOptions filter = parse_filter(a.filter);
  if (format == JsonFormat::kSoco) {
    const ReleaseJsonSummary s = export_release_json(store, a.out, filter);
    log.info("{}: {} images, {} boxes, {} bad images left out", a.out, s.num_images, s.num_boxes, s.num_missing);
    return;
  }
  const CocoConvertSummary s =
      format == JsonFormat::kCocoAnnotations
          ? export_coco_annotations(store, a.out, filter)
          : export_coco_results(store, read_coco_annotations(a.annotations), a.out, filter, log);
  log.info("{}: {} images, {} boxes", a.out, s.num_images, s.num_boxes);
}

}  // namespace

int run_convert(int argc, char** argv) {
  ConvertArguments a;
  ConvertWeightsArguments weights;
  std::string what;
  CommandLine line(
      "convert",
      "Turns proposals into another form: stores (.db), the SoCo release's JSON, COCO results and annotations. Turns "
      "weights into another program's: the SoCo release, Detectron2, MMDetection, torchvision, ONNX, our own; read "
      "back and "
      "compared before success is said.",
      "  soco convert --from proposals.db --out proposals.json --filter ratio=3,size=0.3:0.8,min=32\n"
      "  soco convert --from proposals.json --images photos --out proposals.db\n"
      "  soco convert --from results.json --annotations gt.json --images val --min-score 0.3 --out det.db\n"
      "  soco convert --from instances.json --images val --out objects.db\n"
      "  soco convert --from all.db --filter ratio=3,size=0.3:0.8,min=32 --out small.db\n"
      "  soco convert --from ckpt_epoch_100.pth --out soco.safetensors --momentum\n"
      "  soco convert --from soco.safetensors --format soco-release --out ckpt_epoch_100.pth\n"
      "  soco convert --from R-50.pkl --format torchvision --out resnet50.pth\n");
  line.app
      .add_option("--from", a.from, "a store or JSON (.json); or weights: .pth, .pt, .pkl, .safetensors, a run folder")
      ->required();
  line.app.add_option("--out", a.out, "file to write: .json, else a store; weights: as the format wants")->required();
  line.app.add_option("--what", what, "proposals or weights (default: weights where --from looks like weights)")
      ->check(CLI::IsMember({"proposals", "weights"}));
  line.app.add_option(
      "--format", a.format,
      "of the JSON: soco-json, coco-results or coco-annotations (default: reading: by its content; "
      "writing: soco-json). Of weights: " +
          weights_format_names() +
          " (default: into .safetensors soco-weights, of a detector safetensors; into .pkl detectron2)");
  line.app.add_option("--images", a.images, "from JSON: the images it speaks of (folder, archive, list ...)");
  line.app.add_option("--annotations", a.annotations, "with coco-results: the file that gives image ids their names");
  line.app.add_option("--min-score", a.min_score, "from coco-results: leave out boxes with a lower score");
  line.app.add_option("--filter", a.filter, "boxes to keep: none, or ratio=R,size=MIN:MAX,min=SIDE[,dedup]")
      ->capture_default_str();
  line.app.add_flag("--partial", a.partial,
                    "from soco-json: it may speak mostly of other images; weights: take what matches, though names are "
                    "missing or unknown");
  line.app.add_option("--architecture", weights.architecture, "weights: fpn or c4 (default: as the file has it)")
      ->check(CLI::IsMember({"fpn", "c4"}));
  line.app.add_flag("--momentum", weights.momentum, "weights: momentum buffers too (into soco-weights)");
  line.app.add_flag("--keys", weights.list_keys, "weights: list every key, theirs -> ours and ours -> theirs");
  if (!line.parse(argc, argv)) return 0;
  ConsoleLogger log;
  if (what == "weights" || (what.empty() && looks_like_weights(a.from))) {
    if (!a.images.empty() || !a.annotations.empty())
      fail_usage("convert: --images and --annotations are for proposals; {} holds weights", a.from);
    weights.from = a.from;
    weights.out = a.out;
    weights.format = a.format;
    weights.partial = a.partial;
    return convert_weights(weights, log);
  }
  const bool from_json = is_json(a.from), to_json = is_json(a.out);
  if (from_json && to_json) fail_usage("convert: --from {} --out {}: one of the two must be a store", a.from, a.out);
  install_stop_signals();
  if (from_json) {
    import_json(a, log);
  } else if (to_json) {
    export_json(a, log);
  } else {
    const std::int64_t num_boxes = refilter_store(ProposalStore::open_read(a.from), a.out, parse_filter(a.filter));
    log.info("{}: {} boxes", a.out, num_boxes);
  }
  return 0;
}

}  // namespace soco

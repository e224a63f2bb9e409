// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <optional>
#include <unordered_map>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/log.h"
#include "soco/base/missing_names.h"
#include "soco/base/progress.h"
#include "soco/cli/commands.h"
#include "soco/cli/inspect_data.h"
#include "soco/cli/inspect_detection.h"
#include "soco/data/sampler.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/proposals/store.h"
#include "soco/report/contact_sheet.h"
#include "soco/report/proposal_sheet.h"
#include "soco/run/recipes.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace {

/// What `inspect views` and `inspect data` show: a run as it was configured, or images under a recipe.
struct ViewSource {
  PretrainOptions options;
  std::filesystem::path images, proposals;  // no proposals: made on the spot
};

ViewSource source_of_run(const std::string& run) {
  if (!is_run_folder(run)) fail_usage("inspect {}: is not a run folder; name one, or give --images", run);
  const std::filesystem::path folder = run;
  const std::filesystem::path file = folder / "sources.json";
  const Json sources = parse_json(read_text_file(file), file.string());
  ViewSource source;
  load_toml_file(source.options, folder / "config.toml");
  source.images = sources.at("images").get<std::string>();
  source.proposals = sources.at("proposals").get<std::string>();
  if (source.proposals.empty()) source.proposals = folder / "proposals.db";
  return source;
}

ProposalSet proposals_of(const ImageEntry& entry, const Image& image, const ViewSource& source,
                         const ProposalStore* store) {
  ProposalSet set{image.height, image.width, {}};
  if (store != nullptr) {
    const auto record = store->get(entry.key);
    if (!record) fail("{}: has no proposals in {}", entry.key, source.proposals.string());
    set = record->proposals;
  } else if (source.options.plan.needs_proposals()) {
    set.boxes = selective_search(image, source.options.proposals);
  }
  set.boxes = filter_proposals(set.boxes, set.height, set.width, source.options.filter);
  return set;
}

/// The first `count` samples of `epoch` in the order of training, each as training draws it.
std::vector<DrawnSample> draw_samples(const ViewSource& source, std::int64_t epoch, int count) {
  const ImageList entries = list_images(source.images, {.logger = nullptr, .index_folder = default_index_folder()});
  std::optional<ProposalStore> store;
  if (!source.proposals.empty() && source.options.plan.needs_proposals())
    store = ProposalStore::open_read(source.proposals);
  const auto seed = static_cast<std::uint64_t>(source.options.train.seed);
  const auto order = EpochSampler(static_cast<std::int64_t>(entries.size()), 1, seed).epoch_order(epoch);
  std::vector<DrawnSample> samples;
  for (const std::int64_t index : order) {
    if (static_cast<int>(samples.size()) == count) break;
    const ImageEntry entry = entries[static_cast<std::size_t>(index)];
    DrawnSample drawn;
    drawn.title = entry.key;
    drawn.image = read_image(entry, source.options.data.decode_limits());
    drawn.proposals = proposals_of(entry, drawn.image, source, store ? &*store : nullptr);
    Rng rng(seed, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index), purpose::kViews);
    drawn.sample = make_sample(drawn.image, drawn.proposals, source.options.plan, rng);
    if (source.options.plan.boxes == BoxChoice::kRandom) drawn.proposals.boxes = drawn.sample.trace.random_boxes;
    samples.push_back(std::move(drawn));
  }
  return samples;
}

int inspect_views(ViewSource source, const std::string& out, std::int64_t epoch, int count) {
  write_image(out, draw_views(draw_samples(source, epoch, count), source.options.plan));
  ConsoleLogger().info("wrote {}", out);
  return 0;
}

/// Prints what a store holds and draws the boxes that the filter keeps on images spread over it.
int inspect_proposals(const std::string& path, const std::filesystem::path& images, const std::string& filter_text,
                      const std::string& out, int count, int num_boxes) {
  const ProposalStore store = ProposalStore::open_read(path);
  const FilterOptions filter = parse_filter(filter_text);
  const ImageList entries = list_images(images, {.logger = nullptr, .index_folder = default_index_folder()});
  std::unordered_map<std::string_view, std::size_t> entry_of_key;
  for (std::size_t i = 0; i < entries.size(); ++i) entry_of_key.emplace(entries.key(i), i);
  ConsoleLogger log;
  Progress progress(log, "inspect", store.size(), "images");
  const std::int64_t step = std::max<std::int64_t>(1, store.size() / count);
  ProposalHistograms histograms;
  MissingNames missing;
  std::vector<DrawnProposals> drawn;
  std::int64_t index = 0;
  store.for_each([&](const ProposalRecord& record) {
    progress.update(index + 1);
    const bool wanted = index++ >= step * static_cast<std::int64_t>(drawn.size());
    if (!record.error.empty()) return histograms.add_bad();
    const ProposalSet& set = record.proposals;
    std::vector<Box> kept = filter_proposals(set.boxes, set.height, set.width, filter);
    histograms.add(set.height, set.width, set.boxes, kept.size());
    const auto entry = entry_of_key.find(record.key);
    if (entry == entry_of_key.end()) return missing.add(record.key);
    if (!wanted || static_cast<int>(drawn.size()) >= count) return;
    drawn.push_back({record.key, read_image(entries[entry->second]), std::move(kept)});
  });
  progress.finish();
  missing.check_minority(index, path, "rows, so many are of images that --images lacks:");
  if (missing.count() > 0) log.warning("{}: rows of images that are not there: {}", path, missing.text());
  std::fputs(fmt::format("{}\n{}", store.options(), histograms.text()).c_str(), stdout);
  write_image(out, draw_proposals(drawn, num_boxes));
  log.info("wrote {}", out);
  return 0;
}

}  // namespace

int run_inspect(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "detection") return run_inspect_detection(argc - 1, argv + 1);
  std::string what, run, out, filter = "none", config = "soco_fpn_100ep";
  InspectDataArguments data;
  ViewSource source;
  int count = 6, num_boxes = 100;
  std::int64_t epoch = 0;
  CommandLine line(
      "inspect",
      "Shows what the training sees. views: drawn, with boxes, ids, levels, jitter and cutout. proposals: those of a "
      "store, ranked, with histograms. data: counts, sizes, formats, broken and repeated images, the time of an epoch. "
      "detection: samples of a labelled set, drawn (see 'soco inspect detection --help').",
      "  soco inspect views runs/first --out views.png\n"
      "  soco inspect views --images photos --config soco_fpn_400ep --count 10 --out views.png\n"
      "  soco inspect proposals proposals.db --images photos --out proposals.png --num 12\n"
      "  soco inspect data --images photos --proposals proposals.db --json data.json\n"
      "  soco inspect detection --train annotations/instances_train2017.json --images train2017\n");
  line.app.add_option("WHAT", what, "views, proposals, data or detection")->required();
  line.app.add_option("RUN", run, "views, data: a run folder, as it was configured; proposals: the store");
  line.app.add_option("--images", source.images, "images: folder, archive, list ...; views, data: instead of a run");
  line.app.add_option("--proposals", source.proposals, "with --images: a store (views: default: made on the spot)");
  line.app.add_option("--config", config, "with --images: recipe or TOML file")->capture_default_str();
  line.app.add_option("--count,--num", count, "images to draw")->capture_default_str()->check(CLI::Range(1, 100));
  line.app.add_option("--epoch", epoch, "epoch to draw")->capture_default_str()->check(CLI::NonNegativeNumber);
  line.app.add_option("--out", out, "PNG or JPEG to write (default: views.png, proposals.png)");
  line.app.add_option("--filter", filter, "proposals: boxes to draw: none, or ratio=R,size=MIN:MAX,min=SIDE[,dedup]")
      ->capture_default_str();
  line.app.add_option("--boxes", num_boxes, "proposals: boxes to draw on an image, the best first")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  line.app.add_option("--json", data.json, "data: write all figures there");
  line.app.add_flag("--headers", data.headers_only, "data: read headers alone; damage behind them is not seen");
  line.app.add_option("--workers", data.workers, "data: threads; 0: one per processor")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  line.take_overrides(source.options);
  if (!line.parse(argc, argv)) return 0;
  // Without a run folder the first key=value word stands in its place.
  const std::string first_key = run.find('=') != std::string::npos ? std::exchange(run, "") : "";
  if (what != "views" && what != "proposals" && what != "data")
    fail_usage("inspect {}: what can be inspected is: views, proposals, data, detection", what);
  if (out.empty()) out = what + ".png";
  if (what == "proposals") {
    if (!first_key.empty()) fail_usage("inspect proposals: takes no key=value, such as {}", first_key);
    if (run.empty() || source.images.empty()) fail_usage("inspect proposals: name a store, and give --images");
    return inspect_proposals(run, source.images, filter, out, count, num_boxes);
  }
  if (run.empty() == source.images.empty())
    fail_usage("inspect {}: name a run folder, or give --images, not both", what);
  if (run.empty())
    load_recipe_or_file(source.options, config);
  else
    source = source_of_run(run);
  if (!first_key.empty()) apply_override(source.options, first_key);
  line.apply_overrides(source.options);
  validate_options(source.options);
  if (what == "views") return inspect_views(std::move(source), out, epoch, count);
  data.options = std::move(source.options);
  data.images = std::move(source.images);
  data.proposals = std::move(source.proposals);
  return inspect_data(data);
}

}  // namespace soco

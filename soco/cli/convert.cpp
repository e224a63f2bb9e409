// SPDX-License-Identifier: MIT
#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/cli/commands.h"
#include "soco/image/image_list.h"
#include "soco/proposals/release_json.h"
#include "soco/proposals/store.h"

namespace soco {

int run_convert(int argc, char** argv) {
  std::string from, out, images;
  CommandLine line("convert", "Turns a proposal store into the SoCo release's JSON, and that JSON into a store.",
                   "  soco convert --from proposals.db --out proposals.json\n"
                   "  soco convert --from proposals.json --images photos --out proposals.db\n");
  line.app.add_option("--from", from, "a store (.db) or the release's JSON (.json)")->required();
  line.app.add_option("--out", out, "file to write: .json or .db, the other of the two")->required();
  line.app.add_option("--images", images, "from JSON: the images it speaks of (folder or list file)");
  if (!line.parse(argc, argv)) return 0;
  const bool from_json = std::filesystem::path(from).extension() == ".json";
  const bool to_json = std::filesystem::path(out).extension() == ".json";
  if (from_json == to_json)
    fail_usage("convert: --from {} --out {}: exactly one of the two must end in .json", from, out);
  if (from_json && images.empty())
    fail_usage("convert: --images is needed with JSON, which names images by their stem alone");
  ConsoleLogger log;
  const ReleaseJsonSummary summary = to_json ? export_release_json(ProposalStore::open_read(from), out)
                                             : import_release_json(from, list_images(images), out);
  log.info("{}: {} images, {} boxes, {} images without boxes, {} entries without an image", out, summary.num_images,
           summary.num_boxes, summary.num_missing, summary.num_unused);
  return 0;
}

}  // namespace soco

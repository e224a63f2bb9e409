// SPDX-License-Identifier: MIT
#include "soco/data/synth.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/commands.h"

namespace soco {

int run_synth(int argc, char** argv) {
  SynthOptions options;
  std::string out;
  CommandLine line("synth",
                   "Makes scenes of textured, partly hidden objects as JPEG with COCO labels; same seed, same bytes.",
                   "  soco synth --out scenes --images 500\n"
                   "  soco synth --out scenes5 --images 500 label_fraction=0.05 categories=12\n");
  line.app.add_option("--out", out, "folder to make")->required();
  line.app.add_option("--images", options.images, "images in all, validation included")->capture_default_str();
  line.app.add_option("--seed", options.seed, "seed of all random choices")->capture_default_str();
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  line.apply_overrides(options);
  ConsoleLogger log;
  install_stop_signals();
  synthesize(options, out, log);
  return 0;
}

}  // namespace soco

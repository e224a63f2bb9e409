// SPDX-License-Identifier: MIT
// Prints the best object proposals of an image: selective_search IMAGE [KEY=VALUE...], e.g. strategy=quality max_boxes=50.
#include <cstdio>
#include <exception>

#include "soco/image/codec.h"
#include "soco/proposals/selective_search.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: selective_search IMAGE [KEY=VALUE...]\n");
    return 2;
  }
  try {
    soco::SelectiveSearchOptions options{.strategy = soco::SearchStrategy::kFast, .max_boxes = 20};
    for (int i = 2; i < argc; ++i) soco::apply_override(options, argv[i]);
    for (const soco::Box& box : soco::selective_search(soco::read_image(argv[1]), options)) {
      std::printf("%g %g %g %g\n", box.x1, box.y1, box.x2, box.y2);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

// SPDX-License-Identifier: MIT
// soco_boxes KEY=VALUE...: searches images whose paths come on standard input, one a line. For each it prints the
// processor seconds of the search alone and the boxes: "seconds n x1 y1 x2 y2 ...".
#include <sys/resource.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "soco/image/codec.h"
#include "soco/proposals/selective_search.h"

static double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int main(int argc, char** argv) {
  soco::SelectiveSearchOptions options;
  for (int i = 1; i < argc; ++i) soco::apply_override(options, argv[i]);
  soco::SelectiveSearcher searcher(options);
  for (std::string path; std::getline(std::cin, path);) {
    const soco::Image image = soco::read_image(path);
    const double begin = cpu_seconds();
    const auto boxes = searcher.search(image);
    std::printf("%.6f %zu", cpu_seconds() - begin, boxes.size());
    for (const soco::Box& b : boxes) std::printf(" %g %g %g %g", b.x1, b.y1, b.x2, b.y2);
    std::printf("\n");
    std::fflush(stdout);
  }
}

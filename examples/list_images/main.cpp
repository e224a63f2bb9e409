// SPDX-License-Identifier: MIT
// Lists a source of images twice, the second time from the index the first one kept, and says what it took:
//   example_list_images SOURCE INDEX_FOLDER
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/image/image_source.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: example_list_images SOURCE INDEX_FOLDER\n", stderr);
    return 2;
  }
  try {
    for (const char* turn : {"first", "second"}) {
      const auto begin = std::chrono::steady_clock::now();
      const soco::ImageList images = soco::list_images(argv[1], {.index_folder = argv[2]});
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      const auto count = static_cast<double>(std::max<std::size_t>(images.size(), 1));
      fmt::print("{}: {} images in {:.3f} s, {:.0f} bytes an image, peak {}\n", turn, images.size(), spent.count(),
                 static_cast<double>(images.memory_bytes()) / count,
                 soco::format_bytes(static_cast<std::uint64_t>(usage.ru_maxrss) << 10));
    }
  } catch (const soco::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}

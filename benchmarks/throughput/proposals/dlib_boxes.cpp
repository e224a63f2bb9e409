// SPDX-License-Identifier: MIT
// The protocol of soco_boxes.cpp for dlib's find_candidate_object_locations, its defaults and the order it gives.
// Images come as PPM files, since dlib's own decoders are not always built.
#include <dlib/array2d.h>
#include <dlib/image_transforms.h>
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

static double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int main() {
  for (std::string path; std::getline(std::cin, path);) {
    std::ifstream file(path, std::ios::binary);
    std::string magic;
    long width = 0, height = 0, top = 0;
    file >> magic >> width >> height >> top;
    file.get();
    dlib::array2d<dlib::rgb_pixel> image(height, width);
    for (long y = 0; y < height; ++y) {
      for (long x = 0; x < width; ++x) {
        char rgb[3];
        file.read(rgb, 3);
        image[y][x] = dlib::rgb_pixel(static_cast<unsigned char>(rgb[0]), static_cast<unsigned char>(rgb[1]),
                                      static_cast<unsigned char>(rgb[2]));
      }
    }
    std::vector<dlib::rectangle> boxes;
    const double begin = cpu_seconds();
    dlib::find_candidate_object_locations(image, boxes);
    std::printf("%.6f %zu", cpu_seconds() - begin, boxes.size());
    for (const auto& b : boxes) std::printf(" %ld %ld %ld %ld", b.left(), b.top(), b.right() + 1, b.bottom() + 1);
    std::printf("\n");
    std::fflush(stdout);
  }
}

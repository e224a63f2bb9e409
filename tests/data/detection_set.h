// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "soco/data/detection_dataset.h"
#include "soco/image/codec.h"
#include "soco/image/draw.h"
#include "soco/image/image_source.h"
#include "testing/temp_dir.h"

namespace soco::testing {

/// A set of grey images of changing sizes, upright and wide, in each a rectangle painted white with its box and
/// polygon: image i is "<1000 + i>.png" with id 10 + i; categories have ids 3, 17 and 90.
class DetectionSet {
 public:
  explicit DetectionSet(int num_images) {
    std::filesystem::create_directories(dir_ / "images");
    source_.annotations.categories = {{.id = 3, .name = "cat"}, {.id = 17, .name = "dog"}, {.id = 90, .name = "bird"}};
    for (int i = 0; i < num_images; ++i) add_image(i);
    relist();
  }

  /// A copy of the set, for tests to spoil.
  DetectionSource source() const { return source_; }
  std::filesystem::path image_path(int i) const { return dir_ / "images" / file_name(i); }
  std::filesystem::path folder() const { return dir_ / "images"; }

  static std::string file_name(int i) { return std::to_string(1000 + i) + ".png"; }
  static ObjectAnnotation object(std::int64_t id, std::int64_t image_id, std::int64_t category_id, int x, int y, int w,
                                 int h) {
    const double x1 = x, y1 = y, x2 = x + w, y2 = y + h;
    return {.id = id,
            .image_id = image_id,
            .category_id = category_id,
            .box = {x1, y1, x2 - x1, y2 - y1},
            .area = (x2 - x1) * (y2 - y1),
            .segmentation = {.polygons = {{x1, y1, x2, y1, x2, y2, x1, y2}}, .mask = {}}};
  }

 private:
  void add_image(int i) {
    const int height = 30 + i % 7 + (i % 3 == 0 ? 20 : 0), width = 34 + 2 * (i % 5);
    const int x = 3 + i % 9, y = 4 + i % 5, w = 12 + i % 6, h = 10 + i % 8;
    Image image = make_image(height, width);
    fill_rectangle(image, 0, 0, width, height, {60, 60, 60});
    fill_rectangle(image, x, y, x + w, y + h, {255, 255, 255});
    write_image(image_path(i), image);
    source_.annotations.images.push_back({.id = 10 + i, .height = height, .width = width, .file_name = file_name(i)});
    source_.annotations.annotations.push_back(
        object(i + 1, 10 + i, std::vector<std::int64_t>{3, 17, 90}[static_cast<std::size_t>(i % 3)], x, y, w, h));
  }
  void relist() { source_.images = list_images(dir_ / "images"); }

  TempDir dir_;
  DetectionSource source_{.annotations = {}, .images = {}, .name = "painted"};
};

}  // namespace soco::testing

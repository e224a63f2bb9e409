// SPDX-License-Identifier: MIT
// photometric HEIGHT WIDTH < RGB: processor nanoseconds a pixel of each colour operation on every instruction
// set, one a line: "target operation ns". The pixels come on standard input, uint8 [HEIGHT, WIDTH, 3].
#include <hwy/targets.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "soco/data/transforms/photometric.h"
#include "soco/image/color.h"

namespace {

using namespace soco;  // NOLINT: a program of one file

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Median of the seconds of one call, over calls of a fifth of a second in all. `prepare` is not timed.
template <class Prepare, class Run>
double seconds_of(const Prepare& prepare, const Run& run) {
  std::vector<double> seconds;
  for (double sum = 0; sum < 0.2 || seconds.size() < 5; sum += seconds.back()) {
    prepare();
    const double begin = cpu_seconds();
    run();
    seconds.push_back(cpu_seconds() - begin);
  }
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2), seconds.end());
  return seconds[seconds.size() / 2];
}

struct Operation {
  std::string name;
  std::function<void(PlanarImage&)> run;
};

std::vector<Operation> operations(BlurScratch& scratch, std::vector<float>& out) {
  const auto to = [&](ElementType type, PixelLayout layout, Mirror mirror) {
    return [&out, type, layout, mirror](PlanarImage& image) {
      normalize(image, mirror, kImageNetMean, kImageNetStd, {out.data(), type, layout});
    };
  };
  return {
      {"brightness", [](PlanarImage& image) { adjust_brightness(image, 1.2); }},
      {"contrast", [](PlanarImage& image) { adjust_contrast(image, 0.8); }},
      {"saturation", [](PlanarImage& image) { adjust_saturation(image, 1.1); }},
      {"hue", [](PlanarImage& image) { adjust_hue(image, 0.05); }},
      {"grayscale", [](PlanarImage& image) { to_grayscale(image); }},
      {"solarize", [](PlanarImage& image) { solarize(image, 128); }},
      {"blur_0.5", [&](PlanarImage& image) { gaussian_blur(image, 0.5, scratch); }},
      {"blur_1.5", [&](PlanarImage& image) { gaussian_blur(image, 1.5, scratch); }},
      {"blur_2", [&](PlanarImage& image) { gaussian_blur(image, 2.0, scratch); }},
      {"blur_15", [&](PlanarImage& image) { gaussian_blur(image, 15.0, scratch); }},
      {"normalize_f32_chw", to(ElementType::kFloat32, PixelLayout::kChw, Mirror::kNo)},
      {"normalize_f32_chw_mirror", to(ElementType::kFloat32, PixelLayout::kChw, Mirror::kYes)},
      {"normalize_f32_hwc", to(ElementType::kFloat32, PixelLayout::kHwc, Mirror::kNo)},
      {"normalize_bf16_chw", to(ElementType::kBfloat16, PixelLayout::kChw, Mirror::kNo)},
      {"normalize_bf16_hwc", to(ElementType::kBfloat16, PixelLayout::kHwc, Mirror::kNo)},
  };
}

void print(const std::string& target, const std::string& name, double seconds, const Image& image) {
  std::printf("%s %s %.4f\n", target.c_str(), name.c_str(),
              seconds * 1e9 * 3 / static_cast<double>(image.pixels.size()));
}

/// Mean over 200 whole views, all chances drawn anew for each.
void time_views(const std::string& target, const Image& image, const PhotometricOptions& options,
                const std::string& name, std::vector<float>& out) {
  PhotometricScratch scratch;
  Rng rng(1, 0, 0, 0);
  std::vector<PhotometricDecision> decisions;
  for (int i = 0; i < 200; ++i) decisions.push_back(draw_photometric(options, rng));
  const double seconds = seconds_of([] {},
                                    [&] {
                                      for (const PhotometricDecision& decision : decisions)
                                        finish_view(decision, Mirror::kYes, image, {out.data()}, scratch);
                                    });
  print(target, name, seconds / 200, image);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: photometric HEIGHT WIDTH < RGB\n"), 2;
  Image image = make_image(std::atoi(argv[1]), std::atoi(argv[2]));
  if (std::fread(image.pixels.data(), 1, image.pixels.size(), stdin) != image.pixels.size()) return 1;
  BlurScratch scratch;
  std::vector<float> out(image.pixels.size());
  PlanarImage planes;
  PhotometricOptions first;
  first.blur_prob = 1.0;
  first.solarize_prob = 0.0;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const std::string name = hwy::TargetName(target);
    print(name, "split", seconds_of([] {}, [&] { split_planes(image, planes); }), image);
    for (const Operation& operation : operations(scratch, out)) {
      print(name, operation.name, seconds_of([&] { split_planes(image, planes); }, [&] { operation.run(planes); }),
            image);
    }
    time_views(name, image, first, "view_1", out);
    time_views(name, image, {}, "view_2", out);
  }
}

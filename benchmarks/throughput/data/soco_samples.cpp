// SPDX-License-Identifier: MIT
// soco_samples SOURCE WORKERS SECONDS [KEY=VALUE...]: makes samples of the images of SOURCE (folder, list, archive)
// with the plan of recipe soco_fpn_100ep and a grid's boxes, in batches as a loader does, WORKERS threads side by side.
// soco_samples SOURCE differences: how far the views of quality=fast are from the exact ones.
// Prints one JSON object: processor seconds an image of each stage, images a second of processor and of wall time.
#include <ctime>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "soco/base/allocator.h"
#include "soco/data/collate.h"
#include "soco/data/loader.h"
#include "soco/data/sample.h"
#include "soco/image/image_source.h"
#include "soco/proposals/box_grid.h"
#include "soco/proposals/filter.h"

namespace {

using namespace soco;

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Seconds {
  double read = 0, boxes = 0, decode = 0, views = 0;
  long num_images = 0;
};

/// What a worker of the loader does with image `index`, with the time of each stage.
class Worker {
 public:
  Worker(const ImageList& images, const ViewPlan& plan, const LoaderOptions& options)
      : images_(images), plan_(plan), options_(options) {
    shape_batch(plan_, kBatch, batch_format(options), batch_);
  }

  void make(std::size_t index) {
    const ImageEntry entry = images_[index];
    const double t0 = thread_seconds();
    const auto bytes = read_image_bytes(entry);
    const ImageInfo info = probe_image(bytes, entry.key);
    const double t1 = thread_seconds();
    const ProposalSet proposals{info.height, info.width, box_grid(info.height, info.width, {})};
    Rng rng(0, 0, index, purpose::kViews);
    const Sample sample = draw_sample(info.height, info.width, proposals, plan_, rng);
    const double t2 = thread_seconds();
    decode_image_part(bytes, entry.key, {}, decode_request_for(plan_, sample.trace, options_.quality), decoded_);
    const double t3 = thread_seconds();
    const int row = static_cast<int>(seconds.num_images++ % kBatch);
    views_of_row(batch_, row, views_);
    render_views(decoded_, plan_, sample.trace, options_.quality, views_, scratch_);
    copy_boxes_into(sample, static_cast<std::int64_t>(index), row, batch_);
    seconds.read += t1 - t0;
    seconds.boxes += t2 - t1;
    seconds.decode += t3 - t2;
    seconds.views += thread_seconds() - t3;
  }

  /// The views last made, in levels, normalisation apart: [3, size, size] of view `v`.
  std::vector<double> levels(std::size_t v) const {
    const auto row = static_cast<std::size_t>((seconds.num_images - 1) % kBatch);
    const auto all = batch_.views[v].floats();
    const std::size_t n = all.size() / kBatch;
    std::vector<double> result;
    for (std::size_t i = 0; i < n; ++i)
      result.push_back(255.0 * static_cast<double>(all[row * n + i]) * static_cast<double>(kImageNetStd[i / (n / 3)]));
    return result;
  }

  Seconds seconds;

 private:
  static constexpr int kBatch = 32;
  const ImageList& images_;
  const ViewPlan& plan_;
  const LoaderOptions& options_;
  PretrainBatch batch_;
  DecodedPart decoded_;
  std::vector<ViewMemory> views_;
  SampleScratch scratch_;
};

/// One line for each view: mean and greatest distance of a value, over all images.
int print_differences(const ImageList& images, const ViewPlan& plan) {
  LoaderOptions exact_options, fast_options;
  fast_options.quality = Quality::kFast;
  Worker exact(images, plan, exact_options), fast(images, plan, fast_options);
  std::vector<double> sum(plan.views.size()), most(plan.views.size());
  std::vector<std::size_t> num_values(plan.views.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    exact.make(i);
    fast.make(i);
    for (std::size_t v = 0; v < plan.views.size(); ++v) {
      const auto a = exact.levels(v), b = fast.levels(v);
      for (std::size_t k = 0; k < a.size(); ++k) {
        sum[v] += std::abs(a[k] - b[k]);
        most[v] = std::max(most[v], std::abs(a[k] - b[k]));
      }
      num_values[v] += a.size();
    }
  }
  for (std::size_t v = 0; v < plan.views.size(); ++v)
    std::printf("fast view %zu: %.2f of 255 from the exact one on average, %.1f at the most\n", v,
                sum[v] / static_cast<double>(num_values[v]), most[v]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();  // as the program does
  if (argc == 3 && std::string_view(argv[2]) == "differences")
    return print_differences(list_images(argv[1]), soco_fpn_view_plan(true));
  if (argc < 4) return std::fputs("usage: soco_samples SOURCE WORKERS SECONDS [KEY=VALUE...]\n", stderr), 2;
  LoaderOptions options;
  for (int i = 4; i < argc; ++i) apply_override(options, argv[i]);
  const ImageList images = list_images(argv[1]);
  const ViewPlan plan = soco_fpn_view_plan(true);
  const auto num_workers = static_cast<std::size_t>(std::atoi(argv[2]));
  std::vector<Worker> workers;
  for (std::size_t i = 0; i < num_workers; ++i) workers.emplace_back(images, plan, options);
  for (std::size_t i = 0; i < images.size(); ++i) workers[i % num_workers].make(i);  // warm
  for (Worker& worker : workers) worker.seconds = {};
  const auto begin = std::chrono::steady_clock::now();
  const auto wall = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (Worker& worker : workers) {
    threads.emplace_back([&] {
      while (wall() < std::atof(argv[3])) worker.make(next++ % images.size());
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double wall_seconds = wall();
  Seconds sum;
  for (const Worker& worker : workers) {
    sum.read += worker.seconds.read;
    sum.boxes += worker.seconds.boxes;
    sum.decode += worker.seconds.decode;
    sum.views += worker.seconds.views;
    sum.num_images += worker.seconds.num_images;
  }
  const auto n = static_cast<double>(sum.num_images);
  const double all = sum.read + sum.boxes + sum.decode + sum.views;
  std::printf(
      "{\"read\": %.7f, \"boxes\": %.7f, \"decode\": %.7f, \"views\": %.7f, \"total\": %.7f, \"images\": %ld, "
      "\"images_per_s\": %.2f}\n",
      sum.read / n, sum.boxes / n, sum.decode / n, sum.views / n, all / n, sum.num_images, n / wall_seconds);
}

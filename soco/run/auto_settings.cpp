// SPDX-License-Identifier: MIT
#include "soco/run/auto_settings.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/thread_pool.h"

namespace soco {
namespace {

// Steps a run of "auto" epochs aims at: SoCo's 100 epochs of ImageNet at batch 2048 are 62,500 steps; a small data set
// is saturated long before, and a CPU cannot get there.
constexpr std::int64_t kCudaSteps = 20'000;
constexpr std::int64_t kCpuSteps = 2'000;
constexpr int kMaxAutoEpochs = 800;

int backbone_depth(Backbone backbone) {
  switch (backbone) {
    case Backbone::kResNet18:
      return 18;
    case Backbone::kResNet34:
      return 34;
    case Backbone::kResNet50:
      return 50;
    case Backbone::kResNet101:
      return 101;
  }
  return 50;
}

std::string choose_batch(PretrainOptions& options, std::int64_t num_images, const MachineInfo& machine) {
  const std::uint64_t per_image = estimated_bytes_per_image(options);
  // Weights, gradients, momentum and target take about four copies of 60 million floats beside the activations.
  const std::uint64_t fixed = 1ull << 30;
  const std::uint64_t usable = static_cast<std::uint64_t>(0.6 * static_cast<double>(machine.memory_bytes));
  const std::uint64_t fitting =
      usable > fixed ? (usable - fixed) / per_image * static_cast<std::uint64_t>(options.train.accumulation) : 1;
  const std::uint64_t most = machine.cuda ? 2048 : 16;  // beyond 16 a CPU step takes minutes and gains no speed
  const std::uint64_t by_data = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(num_images) / 4);
  std::uint64_t batch = std::bit_floor(std::max<std::uint64_t>(1, std::min({fitting, most, by_data})));
  const std::uint64_t portions = static_cast<std::uint64_t>(options.train.accumulation);
  batch = std::max<std::uint64_t>(batch / portions, 1) * portions;
  options.train.batch_size = static_cast<int>(batch);
  return fmt::format("train.batch_size = {} ({} images; {} of memory free, about {} an image; at most {} on {})", batch,
                     num_images, format_bytes(machine.memory_bytes), format_bytes(per_image), most,
                     machine.cuda ? "CUDA" : "a CPU");
}

std::string choose_epochs(PretrainOptions& options, std::int64_t num_images, const MachineInfo& machine) {
  const std::int64_t steps_per_epoch = std::max<std::int64_t>(1, num_images / *options.train.batch_size);
  const std::int64_t aim = machine.cuda ? kCudaSteps : kCpuSteps;
  const std::int64_t wanted = (aim + steps_per_epoch - 1) / steps_per_epoch;
  // A large data set on CUDA trains the recipe's epochs; a small one more, up to a bound; a CPU what it can.
  const std::int64_t least = machine.cuda ? options.train.recipe_epochs : 1;
  options.train.epochs =
      static_cast<int>(std::clamp<std::int64_t>(wanted, least, std::max<std::int64_t>(least, kMaxAutoEpochs)));
  return fmt::format("train.epochs = {} ({} steps an epoch; aims at {} steps on {}, between {} and {} epochs)",
                     *options.train.epochs, steps_per_epoch, aim, machine.cuda ? "CUDA" : "a CPU", least,
                     std::max<std::int64_t>(least, kMaxAutoEpochs));
}

}  // namespace

std::uint64_t estimated_bytes_per_image(const PretrainOptions& options) {
  // Measured peak of a float32 step: about 0.40 GiB an image for ResNet-50 at 224/224/112, 0.12 GiB for ResNet-18; the
  // activations grow with the pixels of all views.
  double megapixels = 0;
  for (const ViewOptions& view : options.plan.views) megapixels += static_cast<double>(view.size) * view.size / 1e6;
  const int depth = backbone_depth(options.model.backbone);
  const double gib_per_megapixel = depth >= 101 ? 5.0 : depth >= 50 ? 3.6 : 1.4;
  const double bytes = gib_per_megapixel * std::max(megapixels, 0.001) * (1ull << 30);
  return static_cast<std::uint64_t>(options.train.precision == Precision::kBFloat16 ? bytes / 2 : bytes);
}

std::vector<std::string> resolve_auto_settings(PretrainOptions& options, std::int64_t num_images,
                                               const MachineInfo& machine) {
  std::vector<std::string> reasons;
  if (!options.train.batch_size) reasons.push_back(choose_batch(options, num_images, machine));
  if (num_images < *options.train.batch_size)
    fail_usage("train.batch_size = {} but there are only {} images; lower it (train.batch_size={}) or add images",
               *options.train.batch_size, num_images, num_images);
  const bool epochs_chosen = !options.train.epochs;
  if (epochs_chosen) reasons.push_back(choose_epochs(options, num_images, machine));
  if (!options.solver.lr) {
    options.solver.lr = options.solver.base_lr * *options.train.batch_size / 256.0;
    reasons.push_back(fmt::format("solver.lr = {:.3g} (base_lr {:g} x batch {} / 256)", *options.solver.lr,
                                  options.solver.base_lr, *options.train.batch_size));
  }
  if (!options.train.num_threads) {
    options.train.num_threads = std::max(1, machine.num_cores);
    reasons.push_back(fmt::format("train.num_threads = {} (cores of this process)", *options.train.num_threads));
  }
  // A warm-up the user gave beside epochs is the user's; one written for the recipe's epochs shrinks with them.
  if (epochs_chosen && options.solver.warmup_epochs > *options.train.epochs / 4.0) {
    const double given = options.solver.warmup_epochs;
    options.solver.warmup_epochs = *options.train.epochs / 10.0;
    reasons.push_back(
        fmt::format("solver.warmup_epochs = {:g} (a tenth of {} epochs; {:g} would be over a quarter of them)",
                    options.solver.warmup_epochs, *options.train.epochs, given));
  }
  validate_options(options);
  return reasons;
}

MachineInfo host_machine_info() {
  MachineInfo machine;
  machine.num_cores = num_available_cpus();
  std::ifstream meminfo("/proc/meminfo");
  for (std::string key, unit; meminfo >> key;) {
    std::uint64_t kib = 0;
    meminfo >> kib;
    std::getline(meminfo, unit);
    if (key == "MemAvailable:") machine.memory_bytes = kib * 1024;
  }
  return machine;
}

}  // namespace soco

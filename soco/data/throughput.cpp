// SPDX-License-Identifier: MIT
#include "soco/data/throughput.h"

#include <fmt/format.h>

#include <algorithm>

namespace soco {
namespace {

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

const char* advice(Stage stage) {
  switch (stage) {
    case Stage::kDecode:
      return "smaller images, a faster disk or more loader.num_workers help";
    case Stage::kAugmentation:
      return "more loader.num_workers help";
    case Stage::kTransfer:
      return "a larger batch or smaller views help";
    case Stage::kTraining:
      return "the data keeps up";
  }
  return "";
}

}  // namespace

StageSeconds& StageSeconds::operator+=(const StageSeconds& other) {
  decode += other.decode;
  augment += other.augment;
  wait += other.wait;
  transfer += other.transfer;
  total += other.total;
  num_images += other.num_images;
  return *this;
}

Stage limiting_stage(const StageSeconds& s) {
  if (s.wait > kMinWaitShare * s.total) return s.decode > s.augment ? Stage::kDecode : Stage::kAugmentation;
  return s.transfer > s.total - s.wait - s.transfer ? Stage::kTransfer : Stage::kTraining;
}

std::string stage_name(Stage stage) {
  switch (stage) {
    case Stage::kDecode:
      return "decoding";
    case Stage::kAugmentation:
      return "augmentation";
    case Stage::kTransfer:
      return "transfer";
    case Stage::kTraining:
      return "training";
  }
  return "";
}

std::string throughput_text(const StageSeconds& s) {
  const double workers = s.decode + s.augment, training = std::max(0.0, s.total - s.wait - s.transfer);
  const Stage limit = limiting_stage(s);
  return fmt::format(
      "{:.1f} images/s, limited by {} ({}): training {:.0f} %, transfer {:.0f} %, waiting for data {:.0f} % of the "
      "time; workers: decoding {:.0f} %, augmentation {:.0f} %",
      s.total > 0 ? static_cast<double>(s.num_images) / s.total : 0.0, stage_name(limit), advice(limit),
      percent(training, s.total), percent(s.transfer, s.total), percent(s.wait, s.total), percent(s.decode, workers),
      percent(s.augment, workers));
}

}  // namespace soco

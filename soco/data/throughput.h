// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

namespace soco {

/// Where time went while so many images were trained on. Seconds; `decode` and `augment` are of all workers together,
/// the rest of the thread that trains.
struct StageSeconds {
  double decode = 0;    ///< reading and decoding
  double augment = 0;   ///< views and boxes, into the batch's memory
  double wait = 0;      ///< training waited for a batch
  double transfer = 0;  ///< the batch to the device
  double total = 0;     ///< all of it, by the clock
  std::int64_t num_images = 0;

  StageSeconds& operator+=(const StageSeconds& other);
};

enum class Stage { kDecode, kAugmentation, kTransfer, kTraining };

/// The stage that, made faster, would make the whole faster. Training that waits more than kMinWaitShare of its time is
/// held up by the workers, and so by what they spend more time on; else it is the longer of transfer and training.
Stage limiting_stage(const StageSeconds& seconds);
inline constexpr double kMinWaitShare = 0.05;

/// "augmentation" and the like.
std::string stage_name(Stage stage);

/// One line: images a second, the stage that limits, all shares, and what helps.
std::string throughput_text(const StageSeconds& seconds);

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace soco {

/// What a stream of random numbers is for, so that two uses of one (seed, epoch, sample) never share numbers.
namespace purpose {
constexpr std::uint32_t kViews = 1;         ///< crops, flips, colours and boxes of one sample
constexpr std::uint32_t kSamplerOrder = 2;  ///< order of the samples in an epoch
constexpr std::uint32_t kInit = 3;          ///< initial weights
constexpr std::uint32_t kSynth = 4;         ///< synthetic scenes
constexpr std::uint32_t kSubstitute = 5;    ///< which sample stands in for an unreadable one
constexpr std::uint32_t kRandomBoxes = 6;   ///< boxes by chance in place of proposals
constexpr std::uint32_t kRanking = 7;       ///< order of proposals
constexpr std::uint32_t kProbeSplit = 8;    ///< images that a probe learns from
constexpr std::uint32_t kDetectorSamples = 16;  ///< anchors and proposals that a detector learns from
}  // namespace purpose

/// One block of Philox4x32 with ten rounds: a keyed bijection of the 128-bit counter.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// Counter-based random numbers: a pure function of (seed, stream_hi, stream_lo, purpose) and of the number of draws,
/// never of a thread or a clock. E.g. Rng(seed, epoch, sample_index, purpose::kViews).
class Rng {
 public:
  Rng(std::uint64_t seed, std::uint64_t stream_hi, std::uint64_t stream_lo, std::uint32_t purpose);

  std::uint32_t next_u32();
  std::uint64_t next_u64();

  /// Uniform in [0, 1), with 53 random bits.
  double uniform();

  /// Uniform in [low, high); low when both are equal. low must not be above high.
  double uniform(double low, double high);

  /// Uniform in [0, n), without bias. n must be positive.
  std::uint64_t uniform_int(std::uint64_t n);

  /// True with this probability: never for 0, always for 1.
  bool bernoulli(double probability);

  /// Standard normal (Box-Muller, two draws of 64 bits a number).
  double normal();

  /// Puts the values into a uniformly random order (Fisher-Yates).
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      using std::swap;
      swap(values[i - 1], values[static_cast<std::size_t>(uniform_int(i))]);
    }
  }

  /// k different numbers below n, in random order. k must not be above n.
  std::vector<std::size_t> sample_without_replacement(std::size_t n, std::size_t k);

 private:
  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 4> counter_{};
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;  // words of block_ already given out
};

}  // namespace soco

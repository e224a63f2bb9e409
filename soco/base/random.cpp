// SPDX-License-Identifier: MIT
#include "soco/base/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "soco/base/error.h"

namespace soco {
namespace {

// Multipliers and Weyl increments of Philox4x32: Salmon et al., SC 2011, table 2 and section 3.3.
constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high_word(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {high_word(product1) ^ counter[1] ^ key[0], low_word(product1), high_word(product0) ^ counter[3] ^ key[1],
               low_word(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

// Seed, stream and purpose have 224 bits, a Philox input 192: the seed as key turns stream_hi and purpose into a key of
// their own (and one word of the counter), below which stream_lo and the number of the block count. Streams that differ
// in stream_lo alone can thus never overlap; others do so by a chance of 2^-96.
Rng::Rng(std::uint64_t seed, std::uint64_t stream_hi, std::uint64_t stream_lo, std::uint32_t purpose) {
  const auto derived = philox4x32_10({low_word(stream_hi), high_word(stream_hi), purpose, 0x534F434F},
                                     {low_word(seed), high_word(seed)});
  key_ = {derived[0], derived[1]};
  counter_ = {0, derived[2], low_word(stream_lo), high_word(stream_lo)};
}

std::uint32_t Rng::next_u32() {
  if (used_ == 4) {
    block_ = philox4x32_10(counter_, key_);
    used_ = 0;
    ++counter_[0];
    SOCO_ASSERT(counter_[0] != 0);  // 2^34 numbers of one stream are used up; more would repeat
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Rng::next_u64() {
  const std::uint64_t low = next_u32();
  return low | (static_cast<std::uint64_t>(next_u32()) << 32);
}

double Rng::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

double Rng::uniform(double low, double high) {
  SOCO_ASSERT(low <= high);
  const double value = low + (high - low) * uniform();
  // Rounding may reach `high` itself, which the half-open interval leaves out.
  return value < high ? value : std::max(low, std::nextafter(high, low));
}

// Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019): the high half of a product, with the
// few low halves that would make it uneven drawn again.
std::uint64_t Rng::uniform_int(std::uint64_t n) {
  SOCO_ASSERT(n > 0);
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(next_u64()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>(next_u64()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

bool Rng::bernoulli(double probability) { return uniform() < probability; }

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u is in (0, 1]: the logarithm is finite
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<std::size_t> Rng::sample_without_replacement(std::size_t n, std::size_t k) {
  SOCO_ASSERT(k <= n);
  std::vector<std::size_t> indices(n);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  for (std::size_t i = 0; i < k; ++i) std::swap(indices[i], indices[i + static_cast<std::size_t>(uniform_int(n - i))]);
  indices.resize(k);
  return indices;
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>

namespace soco {

/// The product of sizes, nothing when it does not fit in 64 bits. The empty product is 1.
inline std::optional<std::uint64_t> checked_product(std::initializer_list<std::uint64_t> factors) {
  std::uint64_t product = 1;
  bool overflow = false;
  bool zero = false;
  for (std::uint64_t factor : factors) {
    zero = zero || factor == 0;
    overflow = __builtin_mul_overflow(product, factor, &product) || overflow;
  }
  if (zero) return 0;
  if (overflow) return std::nullopt;
  return product;
}

/// The sum of sizes, nothing when it does not fit in 64 bits. The empty sum is 0.
inline std::optional<std::uint64_t> checked_sum(std::initializer_list<std::uint64_t> terms) {
  std::uint64_t sum = 0;
  for (std::uint64_t term : terms) {
    if (__builtin_add_overflow(sum, term, &sum)) return std::nullopt;
  }
  return sum;
}

}  // namespace soco

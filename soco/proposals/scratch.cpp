// SPDX-License-Identifier: MIT
#include "soco/proposals/scratch.h"

#include <cstdlib>
#include <new>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace soco {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kWorthLargePage = std::size_t{256} << 10;  // more than 64 entries of address translation
constexpr std::size_t kCacheLine = 64;

}  // namespace

void* allocate_pages(std::size_t bytes) {
  const std::size_t alignment = bytes >= kWorthLargePage ? kLargePage : kCacheLine;
  const std::size_t size = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, size);
  if (memory == nullptr && size > 0) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (alignment == kLargePage) madvise(memory, size, MADV_HUGEPAGE);  // a wish: without it all is slower, not wrong
#endif
  return memory;
}

void free_pages(void* memory) noexcept { std::free(memory); }

}  // namespace soco

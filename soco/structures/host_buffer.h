// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <utility>

namespace soco {

/// Where a batch's pixels come from: a device's runtime gives memory that the device reads without a copy. `allocate`
/// gives `bytes` bytes, aligned for any number, and what its deleter gives them back with; it throws std::bad_alloc.
using HostMemory = std::unique_ptr<std::byte[], std::function<void(std::byte*)>>;
using HostAllocator = HostMemory (*)(std::size_t bytes);

/// Memory of the process, for whoever needs none else: from the start of a cache line on.
inline HostMemory allocate_plain(std::size_t bytes) {
  constexpr std::align_val_t kCacheLine{64};
  return {new (kCacheLine) std::byte[bytes], [](std::byte* memory) { operator delete[](memory, kCacheLine); }};
}

/// A block of memory whose content is undefined until it is written.
class HostBuffer {
 public:
  /// Keeps memory that is large enough and comes from this allocator.
  void resize(std::size_t bytes, HostAllocator allocator = allocate_plain) {
    if (!memory_ || bytes > capacity_ || allocator != allocator_) {
      memory_ = allocator(bytes);
      capacity_ = bytes;
      allocator_ = allocator;
    }
    size_ = bytes;
  }
  std::byte* data() { return memory_.get(); }
  const std::byte* data() const { return memory_.get(); }
  std::size_t size() const { return memory_ ? size_ : 0; }

 private:
  HostMemory memory_;
  std::size_t size_ = 0, capacity_ = 0;  // bytes
  HostAllocator allocator_ = nullptr;
};

}  // namespace soco

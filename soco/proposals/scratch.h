// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace soco {

/// `bytes` of memory that hold anything; in pages of 2 MiB where the system has them, since what is written to
/// thousands of places in turn would otherwise wait for the address translation. Throws std::bad_alloc.
void* allocate_pages(std::size_t bytes);
void free_pages(void* memory) noexcept;

/// Memory that is kept from one image to the next and not cleared: a hundred bytes a pixel are used, and fresh pages
/// would cost a fifth of the time.
template <class T>
class Scratch {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Room for n values, which hold anything. What was taken before is gone.
  std::span<T> take(std::size_t n) {
    if (n > capacity_) {
      data_.reset();
      capacity_ = 0;
      data_.reset(static_cast<T*>(allocate_pages(n * sizeof(T))));
      capacity_ = n;
    }
    return {data_.get(), n};
  }

 private:
  struct Free {
    void operator()(T* memory) const noexcept { free_pages(memory); }
  };
  std::unique_ptr<T[], Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace soco

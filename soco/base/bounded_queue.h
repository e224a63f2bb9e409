// SPDX-License-Identifier: MIT
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "soco/base/error.h"

namespace soco {

/// First-in first-out queue for any number of producing and consuming threads that blocks when full or empty.
/// Invariant: at most `capacity_` items are held; once closed, none is added.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) { SOCO_ASSERT(capacity > 0); }

  /// Waits for room and adds the item; false, and the item is dropped, when the queue is closed.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    room_or_closed_.wait(lock, [this] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    lock.unlock();
    item_or_closed_.notify_one();
    return true;
  }

  /// Waits for an item and takes it; nothing when the queue is closed and all its items were taken.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    item_or_closed_.wait(lock, [this] { return closed_ || !items_.empty(); });
    return take(lock);
  }

  /// Takes an item when there is one now, without waiting.
  std::optional<T> try_pop() {
    std::unique_lock lock(mutex_);
    return take(lock);
  }

  /// Refuses further items and wakes all who wait; items inside can still be taken. May be called again.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    room_or_closed_.notify_all();
    item_or_closed_.notify_all();
  }

  /// As close(), and drops the items inside.
  void close_and_clear() {
    std::deque<T> dropped;  // destroyed outside the lock
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      dropped.swap(items_);
    }
    room_or_closed_.notify_all();
    item_or_closed_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const { return capacity_; }

 private:
  std::optional<T> take(std::unique_lock<std::mutex>& lock) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    lock.unlock();
    room_or_closed_.notify_one();
    return item;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable room_or_closed_;
  std::condition_variable item_or_closed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace soco

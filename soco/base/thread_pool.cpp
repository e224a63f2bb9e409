// SPDX-License-Identifier: MIT
#include "soco/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <system_error>
#include <utility>

#include "soco/base/error.h"

namespace soco {

ThreadPool::ThreadPool(int num_threads) {
  SOCO_ASSERT(num_threads > 0);
  threads_.reserve(static_cast<std::size_t>(num_threads));
  try {
    for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_or_stop_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    fail("cannot start thread {} of {}: {}; use fewer workers", threads_.size() + 1, num_threads, error.what());
  }
}

ThreadPool::~ThreadPool() {
  std::deque<std::function<void()>> dropped;  // what the jobs hold is freed outside the lock
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  work_or_stop_.notify_all();
  dropped.clear();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::submit(std::function<void()> job) {
  SOCO_ASSERT(job != nullptr);
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    ++unfinished_;
  }
  work_or_stop_.notify_one();
}

void ThreadPool::wait() {
  std::unique_lock lock(mutex_);
  all_done_.wait(lock, [this] { return unfinished_ == 0; });
  if (first_error_) std::rethrow_exception(std::exchange(first_error_, nullptr));
}

void ThreadPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_or_stop_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    run_one(lock);
  }
}

void ThreadPool::run_one(std::unique_lock<std::mutex>& lock) {
  std::function<void()> job = std::move(jobs_.front());
  jobs_.pop_front();
  lock.unlock();
  std::exception_ptr error;
  try {
    job();
  } catch (...) {
    error = std::current_exception();
  }
  job = nullptr;  // before it counts as finished: who waits may free what the job refers to
  lock.lock();
  if (error && !first_error_) first_error_ = error;
  if (--unfinished_ == 0) all_done_.notify_all();
}

void parallel_for(int num_threads, std::int64_t n, const std::function<void(std::int64_t)>& body) {
  if (num_threads <= 1 || n <= 1) {
    for (std::int64_t i = 0; i < n; ++i) body(i);
    return;
  }
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;  // guards the two below
  std::int64_t error_index = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr error;
  const auto work = [&] {
    while (!failed) {
      const std::int64_t i = next.fetch_add(1);
      if (i >= n) return;
      try {
        body(i);
      } catch (...) {
        failed = true;
        std::lock_guard lock(mutex);
        if (i < error_index) {
          error_index = i;
          error = std::current_exception();
        }
      }
    }
  };
  {
    const std::int64_t num_helpers = std::min<std::int64_t>(num_threads, n) - 1;
    ThreadPool pool(static_cast<int>(num_helpers));
    for (std::int64_t i = 0; i < num_helpers; ++i) pool.submit(work);
    work();
    pool.wait();
  }
  if (error) std::rethrow_exception(error);
}

int num_available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines with more CPUs than the set holds; then the count of the machine's is the best there is.
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace soco

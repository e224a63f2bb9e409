// SPDX-License-Identifier: MIT
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace soco {

/// A fixed number of threads that run submitted jobs, oldest first.
/// Invariant: `unfinished_` counts the jobs that are queued or running; `jobs_` holds those that are queued.
class ThreadPool {
 public:
  /// Starts the threads; num_threads must be positive.
  explicit ThreadPool(int num_threads);

  /// Drops the jobs that have not begun, waits for those that have, joins every thread. Errors not fetched with wait()
  /// are lost.
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Queues a job. The queue is not bounded: who submits without end bounds it (see BoundedQueue).
  void submit(std::function<void()> job);

  /// Waits until every submitted job is finished, then rethrows the first error of a job since the last wait(), if any.
  /// Other jobs run to their end regardless. Must not be called from a job.
  void wait();

  int size() const { return static_cast<int>(threads_.size()); }

 private:
  void run();
  void run_one(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable work_or_stop_;
  std::condition_variable all_done_;
  std::deque<std::function<void()>> jobs_;
  std::int64_t unfinished_ = 0;
  bool stopping_ = false;
  std::exception_ptr first_error_;
  std::vector<std::thread> threads_;
};

/// Calls body(i) once for every i in [0, n), on up to num_threads threads, the caller's among them; each takes the next
/// index when it is free. num_threads <= 1 runs all in the caller, in order. After an error no further index is begun;
/// of the errors that happened, the one of the lowest index is rethrown.
void parallel_for(int num_threads, std::int64_t n, const std::function<void(std::int64_t)>& body);

/// Threads this process may run at once (its CPU affinity), at least 1.
int num_available_cpus();

}  // namespace soco

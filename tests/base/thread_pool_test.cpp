// SPDX-License-Identifier: MIT
#include "soco/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <numeric>
#include <set>

#include "soco/base/error.h"

namespace soco {
namespace {

TEST(ThreadPool, RunsEveryJobBeforeWaitReturns) {
  ThreadPool pool(4);
  std::atomic<int> sum{0};
  for (int i = 1; i <= 100; ++i) pool.submit([&sum, i] { sum += i; });
  pool.wait();
  EXPECT_EQ(sum, 5050);
  EXPECT_EQ(pool.size(), 4);
}

TEST(ThreadPool, RunsJobsAtTheSameTime) {
  ThreadPool pool(2);
  std::promise<void> a, b;  // each job waits for the other: one thread would never end
  pool.submit([&] { a.set_value(), b.get_future().wait(); });
  pool.submit([&] { b.set_value(), a.get_future().wait(); });
  pool.wait();
}

TEST(ThreadPool, RethrowsTheFirstErrorOnceAndGoesOn) {
  ThreadPool pool(1);  // one thread: the order of the errors is that of the jobs
  std::atomic<int> done{0};
  pool.submit([] { fail("first"); });
  pool.submit([] { fail("second"); });
  pool.submit([&] { ++done; });
  try {
    pool.wait();
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  EXPECT_EQ(done, 1);
  EXPECT_NO_THROW(pool.wait());
}

TEST(ThreadPool, DropsQueuedJobsAndJoinsRunningOnesWhenDestroyed) {
  std::atomic<int> finished{0};
  auto held = std::make_shared<int>(1);
  std::promise<void> started, go;
  std::thread opener;
  {
    ThreadPool pool(1);
    pool.submit([&] { started.set_value(), go.get_future().wait(), ++finished; });
    started.get_future().wait();
    for (int i = 0; i < 5; ++i) pool.submit([&finished, held] { ++finished; });
    opener = std::thread([&] {
      while (held.use_count() > 1) std::this_thread::yield();  // until the destructor has dropped the queued jobs
      go.set_value();
    });
  }
  opener.join();
  EXPECT_EQ(finished, 1);
}

TEST(ThreadPool, RefusesNoThreadsAndNoJob) {
  EXPECT_THROW(ThreadPool(0), std::logic_error);
  ThreadPool pool(1);
  EXPECT_THROW(pool.submit(nullptr), std::logic_error);
}

TEST(ParallelFor, VisitsEveryIndexOnceWhateverTheNumberOfThreads) {
  for (int num_threads : {-1, 1, 2, 7}) {
    for (std::int64_t n : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
      parallel_for(num_threads, n, [&](std::int64_t i) { ++visits.at(static_cast<std::size_t>(i)); });
      for (const auto& count : visits) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ParallelFor, RunsInlineInOrderWhenThereIsOneThread) {
  std::vector<std::int64_t> order;
  parallel_for(1, 4, [&](std::int64_t i) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<std::int64_t>{0, 1, 2, 3}));
}

TEST(ParallelFor, RethrowsTheErrorOfTheLowestIndexAndStops) {
  std::atomic<int> calls{0};
  std::promise<void> second;
  try {
    parallel_for(2, 1'000'000, [&](std::int64_t i) {
      ++calls;
      if (i == 1) {
        second.set_value();
        fail("index 1");
      }
      if (i == 0) {
        second.get_future().wait();  // fails later in time, but has the lower index
        fail("index 0");
      }
    });
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "index 0");
  }
  EXPECT_LT(calls, 1'000'000);
}

TEST(NumAvailableCpus, IsPositive) { EXPECT_GE(num_available_cpus(), 1); }

}  // namespace
}  // namespace soco

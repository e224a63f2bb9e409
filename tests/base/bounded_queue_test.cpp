// SPDX-License-Identifier: MIT
#include "soco/base/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace soco {
namespace {

TEST(BoundedQueue, GivesItemsInOrder) {
  BoundedQueue<int> queue(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.push(i));
  EXPECT_EQ(queue.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.pop(), i);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(BoundedQueue, HoldsNoMoreThanItsCapacity) {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed{0};
  std::thread producer([&] {
    for (int i = 0; i < 5; ++i) queue.push(i), ++pushed;
  });
  while (pushed < 2) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) {
    EXPECT_LE(queue.size(), 2u);
    EXPECT_LE(pushed, i + 2);  // i were taken, so no more than these and two in the queue
    EXPECT_EQ(queue.pop(), i);
  }
  producer.join();
}

TEST(BoundedQueue, DrainsAndThenEndsWhenClosed) {
  BoundedQueue<std::unique_ptr<int>> queue(2);  // items that can only be moved
  queue.push(std::make_unique<int>(4));
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.push(std::make_unique<int>(5)));
  EXPECT_EQ(**queue.pop(), 4);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, WakesWhoWaitsWhenClosed) {
  BoundedQueue<int> full(1), empty(1);
  full.push(1);
  std::thread producer([&] { EXPECT_FALSE(full.push(2)); });
  std::thread consumer([&] { EXPECT_EQ(empty.pop(), std::nullopt); });
  full.close_and_clear();
  empty.close();
  producer.join();
  consumer.join();
  EXPECT_EQ(full.pop(), std::nullopt);
}

TEST(BoundedQueue, LosesAndDoublesNothingBetweenManyThreads) {
  BoundedQueue<int> queue(4);
  std::vector<std::atomic<int>> seen(1000);
  std::vector<std::thread> threads;
  for (int consumer = 0; consumer < 3; ++consumer) {
    threads.emplace_back([&] {
      while (auto item = queue.pop()) ++seen.at(static_cast<std::size_t>(*item));
    });
  }
  std::vector<std::thread> producers;
  for (int producer = 0; producer < 2; ++producer) {
    producers.emplace_back([&, producer] {
      for (int i = producer; i < 1000; i += 2) queue.push(i);
    });
  }
  for (auto& thread : producers) thread.join();
  queue.close();
  for (auto& thread : threads) thread.join();
  for (const auto& count : seen) EXPECT_EQ(count, 1);
}

TEST(BoundedQueue, RefusesNoCapacity) { EXPECT_THROW(BoundedQueue<int>(0), std::logic_error); }

}  // namespace
}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/checkpoint/background_saver.h"

#include <gtest/gtest.h>

#include "soco/base/error.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

StateDict state_of(std::int64_t step) {
  StateDict state;
  state.add("n", HostTensor::from<std::int64_t>({}, {step}));
  return state;
}

TEST(BackgroundSaver, SavesInOrderAndSaysWhere) {
  testing::TempDir temp;
  NullLogger log;
  Checkpointer checkpointer(temp.path(), {.keep_last = 5}, log);
  BackgroundSaver saver(checkpointer);
  EXPECT_EQ(saver.wait(), "");  // nothing was begun
  for (std::int64_t step = 1; step <= 5; ++step) saver.start(step, state_of(step), {});
  EXPECT_EQ(saver.wait(), temp / "step_00000005.safetensors");
  EXPECT_EQ(saver.wait(), "");
  for (std::int64_t step = 1; step <= 5; ++step)
    EXPECT_TRUE(read_safetensors(temp / fmt::format("step_{:08}.safetensors", step)).tensors == state_of(step));
}

TEST(BackgroundSaver, ThrowsTheErrorOfASaveOnceAndGoesOn) {
  testing::TempDir temp;
  NullLogger log;
  Checkpointer checkpointer(temp.path(), {.keep_last = 2}, log);
  BackgroundSaver saver(checkpointer);
  saver.start(-1, state_of(0), {});
  EXPECT_THROW(saver.wait(), Error);
  saver.start(-1, state_of(0), {});
  EXPECT_THROW(saver.start(2, state_of(2), {}), Error);
  EXPECT_FALSE(checkpointer.load_latest());
  saver.start(3, state_of(3), {});
  saver.wait();
  EXPECT_EQ(checkpointer.load_latest()->step, 3);
}

TEST(BackgroundSaver, EndsWithTheSaveDone) {
  testing::TempDir temp;
  NullLogger log;
  Checkpointer checkpointer(temp.path(), {.keep_last = 2}, log);
  { BackgroundSaver(checkpointer).start(7, state_of(7), {}); }
  EXPECT_EQ(checkpointer.load_latest()->step, 7);
}

}  // namespace
}  // namespace soco

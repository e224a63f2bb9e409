// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "soco/checkpoint/checkpointer.h"

namespace soco {

/// Saves checkpoints in a thread of its own, one at a time, so that training goes on meanwhile. One caller at a time.
class BackgroundSaver {
 public:
  /// `checkpointer` must outlive the saver; nobody else saves with it.
  explicit BackgroundSaver(Checkpointer& checkpointer) : checkpointer_(checkpointer) {}
  ~BackgroundSaver();  ///< Waits for the save in progress; its error is dropped: call wait() before.
  BackgroundSaver(const BackgroundSaver&) = delete;
  BackgroundSaver& operator=(const BackgroundSaver&) = delete;

  /// Begins to save, after the save before has ended. Throws that one's error, and saves nothing then.
  void start(std::int64_t step, StateDict state, std::map<std::string, std::string> metadata);

  /// Whether a save has been begun and has ended, so that wait() would not wait.
  bool is_finished() const { return thread_.joinable() && finished_; }

  /// Waits for the save in progress. Throws its error, once. Returns the file it made; empty when there was none.
  std::filesystem::path wait();

 private:
  Checkpointer& checkpointer_;
  // `file_` and `error_` belong to the thread while it runs, and to the caller after the join.
  std::thread thread_;
  std::filesystem::path file_;
  std::exception_ptr error_;
  std::atomic<bool> finished_{false};
};

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/checkpoint/background_saver.h"

#include <utility>

namespace soco {

BackgroundSaver::~BackgroundSaver() {
  if (thread_.joinable()) thread_.join();
}

void BackgroundSaver::start(std::int64_t step, StateDict state, std::map<std::string, std::string> metadata) {
  wait();
  finished_ = false;
  thread_ = std::thread([this, step, state = std::move(state), metadata = std::move(metadata)]() mutable {
    try {
      file_ = checkpointer_.save(step, state, std::move(metadata));
    } catch (...) {
      error_ = std::current_exception();
    }
    finished_ = true;
  });
}

std::filesystem::path BackgroundSaver::wait() {
  if (thread_.joinable()) thread_.join();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  return std::exchange(file_, {});
}

}  // namespace soco

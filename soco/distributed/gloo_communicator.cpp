// SPDX-License-Identifier: MIT
#include "soco/distributed/gloo_communicator.h"

#include <torch/version.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "soco/base/error.h"

// Since 2.0 a c10d backend is a class of its own; before that it was the process group itself, with other parameters.
#if TORCH_VERSION_MAJOR >= 2 && __has_include(<torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>)
#define SOCO_HAS_GLOO 1
// The header's own condition. The headers of Gloo that it includes are not in a wheel; gloo_declarations has the names
// it needs, for we touch no object of Gloo.
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#else
#define SOCO_HAS_GLOO 0
#endif

namespace soco {

#if SOCO_HAS_GLOO
namespace {

using std::chrono::milliseconds;

const std::string kMainIsReady = "main_is_ready/";

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "this host";
}

class GlooCommunicator final : public Communicator {
 public:
  GlooCommunicator(const LaunchEnvironment& environment, milliseconds timeout) : environment_(environment) {
    guarded("meeting the other ranks", [&] {
      c10d::TCPStoreOptions options;
      options.port = static_cast<std::uint16_t>(environment.main_port);
      options.isServer = environment.rank == 0 && !environment.agent_holds_port;
      options.numWorkers = static_cast<std::size_t>(environment.world_size);
      options.timeout = timeout;
      if (environment.agent_holds_port) options.waitWorkers = false;
      store_ = c10::make_intrusive<c10d::PrefixStore>(
          "soco/" + environment.attempt, c10::make_intrusive<c10d::TCPStore>(environment.main_host, options));
      auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(timeout);
      gloo->threads = 1;  // one sum at a time: their order is that of the calls
      gloo->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
      gloo_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store_, environment.rank, environment.world_size, gloo);
    });
  }

  int rank() const override { return environment_.rank; }
  int world_size() const override { return environment_.world_size; }

  void all_reduce_sum(torch::Tensor& tensor) override {
    SOCO_ASSERT(tensor.is_contiguous());
    guarded("summing over the ranks", [&] {
      std::vector<torch::Tensor> tensors{tensor.cpu()};
      gloo_->allreduce(tensors)->wait();
      if (!tensor.is_cpu()) tensor.copy_(tensors[0]);
    });
  }

  void wait_for_main() override {
    guarded("waiting for rank 0", [&] {
      const std::string key = kMainIsReady + std::to_string(num_waits_++);
      if (rank() == 0)
        store_->set(key, std::vector<std::uint8_t>{1});
      else
        store_->wait({key}, std::chrono::hours(24 * 365));
    });
  }

 private:
  template <class F>
  void guarded(const char* doing, F f) const {
    try {
      f();
    } catch (const std::exception& error) {
      fail("rank {} of {} on {}: {} failed, since another rank ended or hangs, or the network is cut: {}",
           environment_.rank, environment_.world_size, host_name(), doing, first_line(error.what()));
    }
  }

  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  LaunchEnvironment environment_;
  int num_waits_ = 0;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

}  // namespace
#endif

std::unique_ptr<Communicator> make_communicator(const LaunchEnvironment& environment, double timeout_s) {
  if (environment.world_size == 1) return std::make_unique<SingleProcess>();
#if SOCO_HAS_GLOO
  return std::make_unique<GlooCommunicator>(environment, milliseconds(static_cast<std::int64_t>(1000 * timeout_s)));
#else
  static_cast<void>(timeout_s);
  fail("this program was built with libtorch {}, whose Gloo it cannot use: several ranks need a wheel of torch 2",
       TORCH_VERSION);
#endif
}

}  // namespace soco

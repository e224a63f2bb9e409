// SPDX-License-Identifier: MIT
#include "soco/distributed/c10d_communicator.h"

#include <torch/version.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/host.h"
#include "soco/distributed/cuda_sums.h"
#include "soco/distributed/local_address.h"

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
constexpr const char* kSumming = "summing over the ranks";

class C10dCommunicator final : public Communicator {
 public:
  C10dCommunicator(const LaunchEnvironment& environment, milliseconds timeout)
      : environment_(environment), timeout_(timeout) {
    guarded("meeting the other ranks", [&] {
      c10d::TCPStoreOptions options;
      options.port = static_cast<std::uint16_t>(environment.main_port);
      options.isServer = environment.rank == 0 && !environment.agent_holds_port;
      options.numWorkers = static_cast<std::size_t>(environment.world_size);
      options.timeout = timeout;
      if (environment.agent_holds_port) options.waitWorkers = false;
      store_ = c10::make_intrusive<c10d::PrefixStore>(
          "soco/" + environment.attempt, c10::make_intrusive<c10d::TCPStore>(environment.main_host, options));
      make_group(sums_);
      make_group(started_sums_);
    });
  }

  int rank() const override { return environment_.rank; }
  int world_size() const override { return environment_.world_size; }

  void all_reduce_sum(torch::Tensor& tensor) override { begin_sum(sums_, tensor)->wait(); }

  std::unique_ptr<PendingSum> start_sum(torch::Tensor& tensor) override { return begin_sum(started_sums_, tensor); }

  Traffic traffic() const override { return traffic_; }

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
  /// Sums that go in one order, over connections of their own.
  struct Group {
    explicit Group(std::string its_name) : name(std::move(its_name)) {}
    std::string name;
    c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
    std::unique_ptr<CudaSums> cuda;
    bool asked_for_cuda = false;
  };

  /// Gloo's sum of a copy on the CPU, or of the tensor itself when it lies there.
  class Sum final : public PendingSum {
   public:
    Sum(C10dCommunicator& owner, c10d::ProcessGroupGloo& group, torch::Tensor& tensor)
        : owner_(owner), tensor_(tensor), values_{tensor.cpu()}, work_(group.allreduce(values_)) {}
    void wait() override {
      const auto begin = std::chrono::steady_clock::now();
      owner_.guarded(kSumming, [&] { work_->wait(); });
      if (!tensor_.is_cpu()) tensor_.copy_(values_[0]);
      owner_.traffic_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

   private:
    C10dCommunicator& owner_;
    torch::Tensor tensor_;
    std::vector<torch::Tensor> values_;
    c10::intrusive_ptr<c10d::Work> work_;
  };

  std::unique_ptr<PendingSum> begin_sum(Group& group, torch::Tensor& tensor) {
    SOCO_ASSERT(tensor.is_contiguous());
    traffic_.calls += 1;
    traffic_.bytes += static_cast<std::int64_t>(tensor.nbytes());
    std::unique_ptr<PendingSum> sum;
    guarded(kSumming, [&] {
      if (CudaSums* cuda = cuda_sums(group, tensor.device()))
        sum = cuda->start(tensor);
      else
        sum = std::make_unique<Sum>(*this, *group.gloo, tensor);
    });
    return sum;
  }

  /// NCCL for tensors of GPUs, where it can be had; made when the first of them comes, for only then the GPU is known.
  CudaSums* cuda_sums(Group& group, const torch::Device& device) {
    if (device.is_cuda() && !std::exchange(group.asked_for_cuda, true))
      group.cuda = make_cuda_sums(c10::make_intrusive<c10d::PrefixStore>(group.name + "/cuda", store_), rank(),
                                  world_size(), device, timeout_);
    return device.is_cuda() ? group.cuda.get() : nullptr;
  }

  void make_group(Group& group) const {
    auto options = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(timeout_);
    options->threads = 1;                                       // one sum at a time: their order is that of the calls
    const char* interface = std::getenv("GLOO_SOCKET_IFNAME");  // as PyTorch: the user's choice of an interface
    options->devices.push_back(interface != nullptr && *interface != '\0'
                                   ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                   : c10d::ProcessGroupGloo::createDeviceForHostname(
                                         local_address_towards(environment_.main_host, environment_.main_port)));
    group.gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>(group.name, store_),
                                                             environment_.rank, environment_.world_size, options);
  }

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
  milliseconds timeout_;
  int num_waits_ = 0;
  Traffic traffic_;
  c10::intrusive_ptr<c10d::Store> store_;
  Group sums_{"sums"}, started_sums_{"started_sums"};
};

}  // namespace
#endif

std::unique_ptr<Communicator> make_communicator(const LaunchEnvironment& environment, double timeout_s) {
  if (environment.world_size == 1) return std::make_unique<SingleProcess>();
#if SOCO_HAS_GLOO
  return std::make_unique<C10dCommunicator>(environment, milliseconds(static_cast<std::int64_t>(1000 * timeout_s)));
#else
  static_cast<void>(timeout_s);
  fail("this program was built with libtorch {}, whose Gloo it cannot use: several ranks need a wheel of torch 2",
       TORCH_VERSION);
#endif
}

}  // namespace soco

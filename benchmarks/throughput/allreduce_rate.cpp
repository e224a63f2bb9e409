// SPDX-License-Identifier: MIT
// Seconds of a sum over the ranks, for weak_scaling.py and docs/planning.md; rank 0 prints one JSON object: `sums` {bytes:
// seconds} of ranks that do nothing else, `small_sum` of one of 1 KiB between some milliseconds of work, as in a step: threads
// sleep meanwhile, and ranks come at different times. Started once for each rank with RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT set.
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/throughput/program.h"
#include "soco/base/json.h"
#include "soco/distributed/c10d_communicator.h"

namespace soco {
namespace {

double median_seconds(Communicator& communicator, std::int64_t num_floats, int times) {
  torch::Tensor values = torch::zeros({num_floats});
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    communicator.all_reduce_sum(values);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return median(std::move(seconds));
}

double seconds_between_work(Communicator& communicator) {
  constexpr int kTimes = 200, kProducts = 6;
  const torch::Tensor matrix = torch::ones({256, 256});
  torch::Tensor values = torch::zeros({256});
  const auto seconds_of = [&](bool with_sums) {
    communicator.all_reduce_sum(values);  // begin together
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i) {
      for (int k = 0; k < kProducts; ++k) torch::mm(matrix, matrix);
      if (with_sums) communicator.all_reduce_sum(values);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  seconds_of(true);  // warms up
  const double work = seconds_of(false);
  return (seconds_of(true) - work) / kTimes;
}

void run(const std::vector<std::string>&) {
  torch::set_num_threads(1);
  const auto communicator = make_communicator(launch_environment(), 60);
  Json json;
  for (const auto& [num_floats, times] : {std::pair{256, 500}, {4096, 500}, {262'144, 50}, {6'553'600, 11}})
    json["sums"][std::to_string(4 * num_floats)] = median_seconds(*communicator, num_floats, times);
  json["small_sum"] = seconds_between_work(*communicator);
  if (communicator->is_main()) std::printf("%s\n", json.dump().c_str());
}

}  // namespace
}  // namespace soco

int main(int argc, char** argv) { return soco::run_program("allreduce_rate", argc, argv, soco::run); }

// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include "modeling/contrast_batch.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/distributed/c10d_communicator.h"
#include "soco/distributed/gradient_reducer.h"
#include "soco/engine/pretrain_task.h"
#include "soco/engine/training_state.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/solver/ema.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kImages = 8, kBoxes = 3;
constexpr int kSteps = 5;

// The ranks are this program again: a process that has used libtorch cannot fork and go on with it.
constexpr const char* kOut = "SOCO_TEST_RANK_OUT";
constexpr const char* kArchitecture = "SOCO_TEST_RANK_ARCHITECTURE";

ModelOptions model_options(const std::string& architecture) {
  ModelOptions options =
      testing::tiny_model(architecture.ends_with("assigned") ? HeadMode::kAssigned : HeadMode::kReference);
  if (architecture.starts_with("c4")) options.architecture = Architecture::kC4;
  if (architecture == "c4_info_nce") {
    options.loss = ContrastLoss::kInfoNce;
    options.queue_size = 30;  // a step has some 50 keys: the queue is overwritten in each, from another place
  }
  return options;
}

ObjectContrastInput::Side random_side(std::int64_t num_levels) {
  const torch::Tensor corner = torch::rand({kImages, kBoxes, 2}, torch::kFloat64) * 0.4;
  const torch::Tensor size = 0.2 + torch::rand({kImages, kBoxes, 2}, torch::kFloat64) * 0.4;
  return {torch::cat({corner, corner + size}, 2), torch::randint(0, 3, {kImages, kBoxes}, torch::kInt64),
          torch::randint(-1, num_levels, {kImages, kBoxes}, torch::kInt64)};
}

/// The whole batch of a step: the same on all ranks. Levels and matches differ from image to image, so that ranks would
/// run different parts of the network if they were left to themselves.
ObjectContrastInput batch_of(int step, std::int64_t num_levels) {
  torch::manual_seed(100 + step);
  ObjectContrastInput input;
  for (const std::int64_t size : {48, 48, 32})
    input.views.push_back(torch::randn({kImages, 3, size, size}, torch::kFloat64));
  for (const int view : {1, 2}) {
    const auto a = random_side(num_levels);
    input.pairs.push_back({0, view, a, random_side(num_levels)});
  }
  return input;
}

ObjectContrastInput part_of(const ObjectContrastInput& whole, const Communicator& communicator) {
  const std::int64_t count = kImages / communicator.world_size(), begin = count * communicator.rank();
  const auto rows = [&](const torch::Tensor& tensor) { return tensor.narrow(0, begin, count).contiguous(); };
  const auto side = [&](const ObjectContrastInput::Side& s) {
    return ObjectContrastInput::Side{rows(s.boxes), rows(s.ids), rows(s.levels)};
  };
  ObjectContrastInput part;
  for (const torch::Tensor& view : whole.views) part.views.push_back(rows(view));
  for (const auto& pair : whole.pairs) part.pairs.push_back({pair.view_a, pair.view_b, side(pair.a), side(pair.b)});
  return part;
}

/// Five steps of one rank; rank 0 writes the state to `out`.
void train_rank(const std::string& architecture, const fs::path& out) {
  torch::set_num_threads(1);
  const auto communicator = make_communicator(launch_environment(), 60);
  torch::manual_seed(21);
  ObjectContrast model(model_options(architecture));
  for (auto& [name, tensor] : named_state(*model))  // Module::to would turn the integer counters too
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(torch::kFloat64));
  model->train();
  model->synchronize(*communicator);
  const auto optimizer = make_optimizer(SolverOptions{}, model);
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, parameter] : optimizer->parameters()) parameters.push_back(parameter);
  GradientReducer reducer(parameters, *communicator);
  for (int step = 0; step < kSteps; ++step) {
    const auto input = part_of(batch_of(step, architecture.starts_with("c4") ? 1 : kNumLevels), *communicator);
    const auto output = model->forward(input, [&] { ema_update(*model->target, *model->online, 0.9); });
    if (step % 2 == 0) reducer.overlap_next_backward();
    output.loss.backward();
    reducer.reduce();
    optimizer->step(0.5);
    optimizer->zero_grad();
  }
  StateDict state;
  save_training_state(*model, *optimizer, kReplayPrefix, state);
  if (communicator->is_main()) write_safetensors(out, state, {});
}

DetectorOptions detector_options(const std::string& architecture) {
  DetectorOptions options;
  options.backbone = Backbone::kResNet18;
  options.backbone_norm = DetectorNorm::kBatch;
  options.fpn_channels = 16;
  options.fpn_norm = options.roi_heads.norm = options.masks.norm = DetectorNorm::kBatch;
  options.roi_heads.num_convs = options.roi_heads.num_fcs = options.masks.num_convs = 1;
  options.roi_heads.fc_channels = 32;
  options.roi_heads.samples_per_image = 8;
  options.rpn.train_proposals = 20;
  options.rpn.anchors.sizes = {16, 24, 32, 48, 64};
  options.masks.channels = 8;
  if (architecture == "mask_rcnn_c4") {
    options.trunk = DetectorTrunk::kC4;
    options.roi_heads.pooler_resolution = 4;  // res5 on 14 x 14 cells would take minutes in float64
    options.roi_heads.extra_norm = true;
    options.masks.num_convs = 0;
  }
  return options;
}

/// The step's images and objects, of which only the first half's have shapes: a rank may have no mask at all.
struct DetectorBatch {
  DetectorImages images;
  std::vector<DetectorTarget> targets;
};
DetectorBatch detector_batch_of(int step) {
  torch::manual_seed(200 + step);
  DetectorBatch batch{.images = {torch::randn({kImages, 3, 64, 64}, torch::kFloat64), {}}, .targets = {}};
  for (std::int64_t i = 0; i < kImages; ++i) {
    const std::int64_t count = 1 + i % 3;
    const torch::Tensor corner = torch::rand({count, 2}, torch::kFloat64) * 30;
    const torch::Tensor size = 12 + torch::rand({count, 2}, torch::kFloat64) * 20;
    DetectorTarget target{torch::cat({corner, corner + size}, 1), torch::randint(0, 3, {count}, torch::kInt64), {}};
    if (i < kImages / 2)
      target.masks = [](const torch::Tensor& boxes, const torch::Tensor& objects, std::int64_t side) {
        const torch::Tensor edges = ((boxes.select(1, 0) + objects) * 0.1).frac().view({-1, 1, 1});
        return (torch::linspace(0, 1, side, torch::kFloat64).view({1, 1, side}) > edges)
            .expand({boxes.size(0), side, side})
            .to(torch::kFloat64);
      };
    batch.images.sizes.push_back({64, 64 - i % 2});
    batch.targets.push_back(std::move(target));
  }
  return batch;
}

void train_detector_rank(const std::string& architecture, const fs::path& out) {
  torch::set_num_threads(1);
  const auto communicator = make_communicator(launch_environment(), 60);
  torch::manual_seed(22);
  MaskRcnn model(detector_options(architecture), 3);
  model->to(torch::kFloat64);
  model->train();
  model->synchronize(*communicator);
  NamedTensors trained;
  std::vector<torch::Tensor> parameters;
  for (const auto& item : model->named_parameters()) {
    trained.emplace_back(item.key(), item.value());
    parameters.push_back(item.value());
  }
  Sgd optimizer(trained, 0.9, 1e-4);
  GradientReducer reducer(parameters, *communicator);
  const std::int64_t count = kImages / communicator->world_size(), first = count * communicator->rank();
  for (int step = 0; step < kSteps; ++step) {
    const DetectorBatch whole = detector_batch_of(step);
    const auto part = [&](const auto& list) {
      return std::decay_t<decltype(list)>(list.begin() + first, list.begin() + first + count);
    };
    const DetectorImages images{whole.images.pixels.narrow(0, first, count).contiguous(), part(whole.images.sizes)};
    const auto result = model->forward(images, part(whole.targets), random_sampler(7, step, first));
    torch::Tensor total = torch::zeros({}, torch::kFloat64);
    for (const auto& [name, term] : result.losses) total = total + term;
    if (step % 2 == 0) reducer.overlap_next_backward();
    total.backward();
    reducer.reduce();
    optimizer.step(0.02);
    optimizer.zero_grad();
  }
  StateDict state;
  save_training_state(*model, optimizer, kReplayPrefix, state);
  if (communicator->is_main()) write_safetensors(out, state, {});
}

TEST(Ranks, DISABLED_OneRank) {
  const std::string architecture = std::getenv(kArchitecture);
  (architecture.starts_with("mask_rcnn") ? train_detector_rank : train_rank)(architecture, std::getenv(kOut));
}

/// The state after five steps of so many ranks.
StateDict train(const std::string& architecture, int num_ranks, const testing::TempDir& temp) {
  const fs::path out = temp / (architecture + std::to_string(num_ranks) + ".safetensors");
  static int port = 20'000 + static_cast<int>(getpid() % 20'000);  // not one of a test that runs beside this one
  ++port;
  std::vector<pid_t> processes;
  for (int rank = 0; rank < num_ranks; ++rank) {
    const pid_t process = fork();
    if (process == 0) {
      const auto set = [](const char* name, const std::string& value) { setenv(name, value.c_str(), 1); };
      set("RANK", std::to_string(rank)), set("LOCAL_RANK", std::to_string(rank));
      set("WORLD_SIZE", std::to_string(num_ranks)), set("MASTER_ADDR", "127.0.0.1");
      set("MASTER_PORT", std::to_string(port)), set(kOut, out.string()), set(kArchitecture, architecture);
      execl("/proc/self/exe", "test_engine", "--gtest_filter=Ranks.DISABLED_OneRank", "--gtest_also_run_disabled_tests",
            nullptr);
      _exit(127);
    }
    processes.push_back(process);
  }
  for (const pid_t process : processes) {
    int status = 0;
    waitpid(process, &status, 0);
    EXPECT_EQ(status, 0) << "a rank failed";
  }
  return read_safetensors(out).tensors;
}

/// Largest difference of two states, in the unit of each tensor's largest value.
double difference(const StateDict& a, const StateDict& b) {
  double worst = 0;
  for (const auto& [name, tensor] : a.entries()) {
    if (tensor.dtype != DType::kFloat64) {
      EXPECT_TRUE(tensor == b.at(name)) << name;
      continue;
    }
    const auto x = tensor.as<double>(), y = b.at(name).as<double>();
    double largest = 1e-3, apart = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      largest = std::max(largest, std::abs(x[i]));
      apart = std::max(apart, std::abs(x[i] - y[i]));
    }
    worst = std::max(worst, apart / largest);
  }
  return worst;
}

class RanksTest : public ::testing::TestWithParam<std::string> {};

/// One rank with a batch of 8 is two with 4 and four with 2: online and target network, momentum, BatchNorm's buffers.
TEST_P(RanksTest, TrainAsOneProcessWithTheWholeBatch) {
  const testing::TempDir temp;
  const StateDict one = train(GetParam(), 1, temp);
  for (const int num_ranks : {2, 4}) {
    const double apart = difference(one, train(GetParam(), num_ranks, temp));
    RecordProperty("difference_" + std::to_string(num_ranks), std::to_string(apart * 1e9) + "e-9");
    // Float64 sums in another order differ by 1e-16 of their size; five steps of a network of twenty layers, with
    // divisions by small variances, may make a million times that of it.
    EXPECT_LT(apart, 1e-9) << num_ranks << " ranks";
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, RanksTest,
                         ::testing::Values("fpn", "fpn_assigned", "c4", "c4_info_nce", "mask_rcnn_fpn",
                                           "mask_rcnn_c4"));

}  // namespace
}  // namespace soco

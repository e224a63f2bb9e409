// SPDX-License-Identifier: MIT
// Seconds of Mask R-CNN on a batch read from a file, weights included; prints one JSON object. See detector.py.
//   detector_step train|infer RECIPE BATCH THREADS STEPS [key=value ...]
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks/throughput/program.h"
#include "soco/base/json.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/export/formats/torchvision_detector.h"
#include "soco/layers/roi_align.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/run/finetune_options.h"
#include "soco/run/recipes.h"
#include "soco/solver/optimizer.h"

namespace soco {
namespace {

/// What reference_detector.py --make wrote: images, sizes, objects, and weights under torchvision's names.
struct Batch {
  DetectorImages images;
  std::vector<DetectorTarget> targets;
  StateDict weights;
};

Batch read_batch(const std::string& path) {
  const StateDict tensors = read_safetensors(path).tensors;
  const auto at = [&](const std::string& name) { return from_host(tensors.at(name)); };
  Batch batch;
  batch.images.pixels = at("images");
  const torch::Tensor sizes = at("sizes");
  StateDict theirs;
  for (const auto& [name, tensor] : tensors.entries())
    if (name.starts_with("w.")) theirs.add(name.substr(2), tensor);
  batch.weights = ours_from_torchvision_detector(theirs);
  for (std::int64_t i = 0; i < sizes.size(0); ++i) {
    batch.images.sizes.push_back({sizes[i][0].item<std::int64_t>(), sizes[i][1].item<std::int64_t>()});
    const std::string name = "target" + std::to_string(i);
    const torch::Tensor masks = at(name + ".masks").unsqueeze(1);  // targets as torchvision makes them
    batch.targets.push_back(
        {at(name + ".boxes"), at(name + ".labels"),
         [masks](const torch::Tensor& boxes, const torch::Tensor& objects, std::int64_t side) {
           const auto rois = torch::cat({objects.unsqueeze(1).to(torch::kFloat32), boxes.to(torch::kFloat32)}, 1);
           return roi_align(masks, rois, 1.0, side, side, 0, false).squeeze(1);
         }});
  }
  return batch;
}

void load(MaskRcnn& model, const StateDict& weights) {
  for (const auto& item : model->named_parameters()) copy_from_host(item.value(), weights.at(item.key()), item.key());
  for (const auto& item : model->named_buffers()) copy_from_host(item.value(), weights.at(item.key()), item.key());
}

void run(const std::vector<std::string>& words) {
  const bool training = words.at(0) == "train";
  FinetuneOptions options;
  load_recipe_or_file(options, words.at(1));
  for (std::size_t i = 5; i < words.size(); ++i) apply_override(options, words[i]);
  const Batch batch = read_batch(words.at(2));
  torch::set_num_threads(std::stoi(words.at(3)));
  torch::manual_seed(0);
  MaskRcnn model(options.model, batch.weights.at("roi_heads.box_predictor.cls_score.bias").shape[0] - 1);
  load(model, batch.weights);
  model->train(training);
  NamedTensors trained;
  for (const auto& item : model->named_parameters())
    if (item.value().requires_grad()) trained.emplace_back(item.key(), item.value());
  SelectiveSgd optimizer(std::move(trained), options.solver.momentum, options.solver.weight_decay,
                         [](const std::string&) { return true; });
  std::vector<double> seconds;
  std::int64_t detections = 0;
  for (int i = 0; i < std::stoi(words.at(4)) + 1; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (training) {
      torch::Tensor loss = torch::zeros({});
      for (const auto& [name, term] : model->forward(batch.images, batch.targets, random_sampler(0, i)).losses)
        loss = loss + term;
      loss.backward();
      optimizer.step(1e-4);
      optimizer.zero_grad();
    } else {
      detections = 0;
      for (const auto& found : model->infer(batch.images)) detections += found.boxes.size(0);
    }
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  seconds.erase(seconds.begin());  // the first warms up
  Json json;
  json["seconds"] = median(seconds);
  json["peak_gib"] = peak_gib();
  json["detections"] = detections;
  json["torch"] = TORCH_VERSION;
  std::printf("%s\n", json.dump().c_str());
}

}  // namespace
}  // namespace soco

int main(int argc, char** argv) { return soco::run_program("detector_step", argc, argv, soco::run); }

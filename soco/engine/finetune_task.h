// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "soco/base/log.h"
#include "soco/data/detection_loader.h"
#include "soco/distributed/gradient_reducer.h"
#include "soco/engine/detector_judge.h"
#include "soco/engine/detector_weights.h"
#include "soco/engine/task.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/run/finetune_options.h"
#include "soco/run/run_folder.h"
#include "soco/solver/optimizer.h"

namespace soco {

/// Training of a detector on labelled images. Several ranks train as one process with the whole batch.
class FinetuneTask final : public Task {
 public:
  /// New weights by options.train.seed. `dataset`, `judge` (null: none), `run`, `communicator` and `log` must outlive
  /// the task.
  FinetuneTask(const FinetuneOptions& options, const DetectionDataset& dataset, const DetectorJudge* judge,
               const torch::Device& device, const RunFolder& run, Communicator& communicator, Logger& log);

  std::string name() const override { return "finetune"; }
  std::int64_t total_steps() const override { return total_steps_; }
  std::int64_t steps_per_epoch() const override { return steps_per_epoch_; }
  void start_at(std::int64_t step) override;
  void set_lr_scale(double scale) override { lr_scale_ = scale; }
  StepReport step(std::int64_t step) override;
  /// When it is due by options.eval, and at the end: precise BatchNorm statistics if options.eval wants them, then the
  /// figures of the validation images, which are written to the run's validation.json too. The best detector so far by
  /// its box AP is kept as the run's best.safetensors.
  std::vector<std::pair<std::string, double>> figures_after(std::int64_t num_steps) override;
  bool figures_pending(std::int64_t num_steps) const override;
  /// By options.eval.patience.
  bool is_finished() const override;
  StateDict state() const override;
  void load_state(const StateDict& state) override;
  std::string dump_last_step(const std::filesystem::path& folder) override;

  /// See load_detector_weights.
  DetectorLoadReport take_weights(const DetectorSource& source, PartialWeights partial);

  std::int64_t num_parameters() const;

  /// Of what was judged so far: the best, and how often there was none better since.
  struct Selection {
    double best_ap = -2;  // below the -1 that stands for "nothing to find"
    double best_step = -1, judged_step = 0, num_since_best = 0;
  };
  const Selection& selection() const { return selection_; }

 private:
  struct Losses;
  /// In training mode; candidates are drawn by (seed, draw).
  MaskRcnnImpl::Training forward(MaskRcnn& model, DetectionBatch& batch, std::uint64_t seed, std::int64_t draw);
  Losses forward_and_backward(std::int64_t step);
  void make_statistics_precise();
  void update_average(std::int64_t step);
  MaskRcnn& judged_model() { return average_.is_empty() ? model_ : average_; }
  std::vector<std::pair<std::string, double>> judge(std::int64_t num_steps);
  void keep_best(const DetectorMetrics& metrics, std::int64_t num_steps);
  void share_selection();

  FinetuneOptions options_;
  const DetectionDataset& dataset_;
  torch::Device device_;
  const RunFolder& run_;
  Communicator& communicator_;
  Logger& log_;
  const DetectorJudge* judge_;
  std::vector<ObjectCategory> categories_;
  DetectionLoader loader_;
  std::int64_t steps_per_epoch_, total_steps_;
  MaskRcnn model_{nullptr};
  MaskRcnn average_{nullptr};  // null: none
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<GradientReducer> reducer_;
  double lr_scale_ = 1;
  std::optional<DetectionBatch> last_batch_;
  Selection selection_;
};

}  // namespace soco

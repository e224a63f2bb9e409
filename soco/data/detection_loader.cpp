// SPDX-License-Identifier: MIT
#include "soco/data/detection_loader.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/data/detection_sample.h"

namespace soco {
namespace {

/// 1 for images wider than high, which are padded least beside their like.
std::vector<std::uint8_t> aspect_groups(const DetectionDataset& dataset) {
  std::vector<std::uint8_t> groups;
  for (std::int64_t i = 0; i < dataset.size(); ++i)
    groups.push_back(dataset.image(i).width > dataset.image(i).height ? 1 : 0);
  return groups;
}

DetectionSampler sampler_of(const DetectionDataset& dataset, const DetectionLoaderPlan& plan) {
  const auto make = [&](DetectionSamplerOptions options, std::vector<std::uint8_t> groups,
                        std::vector<double> factors) {
    return DetectionSampler(dataset.size(), plan.batch_size, plan.seed, options, std::move(groups), std::move(factors));
  };
  if (plan.use == DetectionUse::kTest)
    return make({.last_batch = LastBatch::kPad, .order = DetectionSamplerOptions::Order::kAsListed}, {}, {});
  return make({.last_batch = plan.loader.last_batch},
              plan.aspect_grouping ? aspect_groups(dataset) : std::vector<std::uint8_t>(),
              repeat_factors(dataset, plan.repeat_threshold));
}

/// The Maker of BatchPipeline for detectors. Images of a batch are resized one by one; when all are there the batch's
/// size is known, and they are put into it.
class DetectionMaker {
 public:
  using Batch = DetectionBatch;
  struct Draft {
    DetectionBatch batch;
    std::vector<PlanarImage> images;
    std::vector<InputPlan> plans;
    InputSize least;  // of the batch
  };
  struct Scratch {
    EncodedSample encoded;
    DecodedPart decoded;
    InputScratch input;
  };

  DetectionMaker(const DetectionDataset& dataset, DetectionLoaderPlan plan)
      : dataset_(dataset),
        plan_(std::move(plan)),
        sampler_(sampler_of(dataset, plan_)),
        num_rows_(plan_.rank.num_rows(plan_.batch_size)),
        first_row_(plan_.rank.rank * num_rows_) {
    plan_.input.validate();
  }

  const DetectionDataset& dataset() const { return dataset_; }
  const DetectionSampler& sampler() const { return sampler_; }
  const DetectionLoaderPlan& plan() const { return plan_; }
  int num_rows() const { return num_rows_; }
  int first_row() const { return first_row_; }

  int batch_size() const { return sampler_.batch_size(); }
  std::int64_t batches_per_epoch(std::int64_t epoch) const { return sampler_.batches_per_epoch(epoch); }
  std::vector<std::int64_t> begin_epoch(std::int64_t epoch, std::int64_t /*first_batch*/) const {
    return sampler_.epoch_order(epoch);
  }
  std::vector<std::int64_t> announcements(std::int64_t /*position*/) const { return {}; }
  void announce(std::int64_t /*sample*/) const {}

  void begin_batch(const SampleTicket& first, DetectionBatch spare, Draft& draft) const {
    draft.batch = std::move(spare);
    draft.batch.targets.assign(static_cast<std::size_t>(num_rows_), {});
    draft.images.resize(static_cast<std::size_t>(num_rows_));
    draft.plans.resize(static_cast<std::size_t>(num_rows_));
    draft.least = {};
    if (plan_.loader.pad_over == PadOver::kBatch && plan_.rank.world_size > 1) draft.least = size_of_whole(first);
  }

  std::chrono::steady_clock::time_point make_row(const SampleTicket& ticket, Draft& draft, Scratch& scratch) const {
    dataset_.visit(ticket.sample_index, scratch.encoded, [&](const EncodedSample& sample) {
      decode_image_part(sample.bytes, sample.name, dataset_.limits(), {}, scratch.decoded);
    });
    const auto decoded = std::chrono::steady_clock::now();
    const auto row = static_cast<std::size_t>(ticket.row);
    const std::int64_t index = scratch.encoded.index;
    draft.plans[row] = plan_of(index, ticket.epoch, ticket.position);
    resize_input(scratch.decoded.image, draft.plans[row], draft.images[row], scratch.input);
    DetectionTarget& target = draft.batch.targets[row];
    target = make_target(dataset_, index, draft.plans[row]);
    target.is_repeat = plan_.use == DetectionUse::kTest && ticket.position >= dataset_.size();
    return decoded;
  }

  DetectionBatch finish_batch(Draft& draft) const {
    fill_batch(draft.images, draft.plans, plan_.input, draft.least, plan_.allocator, draft.batch.images);
    return std::move(draft.batch);
  }

 private:
  // Two occurrences of an image in an epoch have different places, and differ.
  InputPlan plan_of(std::int64_t index, std::int64_t epoch, std::int64_t position) const {
    const AnnotatedImage& image = dataset_.image(index);
    if (plan_.use == DetectionUse::kTest) return test_input(image.height, image.width, plan_.input);
    Rng rng(plan_.seed, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(position), purpose::kViews);
    return draw_input(image.height, image.width, plan_.input, rng);
  }

  // The size that all processes' images of a batch need, from their annotations alone. The order is made anew: this
  // runs beside the giving of tickets.
  InputSize size_of_whole(const SampleTicket& first) const {
    const std::vector<std::int64_t> order = sampler_.epoch_order(first.epoch);
    InputSize size;
    for (std::int64_t row = 0; row < batch_size(); ++row) {
      const std::int64_t position = first.epoch_batch * batch_size() + row;
      const InputPlan plan = plan_of(order[static_cast<std::size_t>(position)], first.epoch, position);
      size = {std::max(size.height, plan.height), std::max(size.width, plan.width)};
    }
    return size;
  }

  const DetectionDataset& dataset_;
  const DetectionLoaderPlan plan_;
  const DetectionSampler sampler_;
  const int num_rows_, first_row_;  // of each batch that are ours
};

}  // namespace

class DetectionLoader::Impl {
 public:
  Impl(const DetectionDataset& dataset, DetectionLoaderPlan plan)
      : maker(dataset, std::move(plan)),
        pipeline(maker, maker.plan().loader.resolved_num_workers(), maker.plan().loader.prefetch, maker.num_rows(),
                 maker.first_row()) {}

  DetectionMaker maker;
  BatchPipeline<DetectionMaker> pipeline;
};

DetectionLoader::DetectionLoader(const DetectionDataset& dataset, DetectionLoaderPlan plan)
    : impl_(std::make_unique<Impl>(dataset, std::move(plan))) {}
DetectionLoader::~DetectionLoader() = default;

void DetectionLoader::start(BatchPosition position, std::int64_t end_epoch) {
  impl_->pipeline.start(position.epoch, position.batch, end_epoch);
}
std::optional<DetectionBatch> DetectionLoader::next() { return impl_->pipeline.next(); }
void DetectionLoader::recycle(DetectionBatch batch) { impl_->pipeline.recycle(std::move(batch)); }
StageSeconds DetectionLoader::stages() const { return impl_->pipeline.stages(); }
const DetectionSampler& DetectionLoader::sampler() const { return impl_->maker.sampler(); }
std::int64_t DetectionLoader::num_bad_images() const { return impl_->maker.dataset().num_bad(); }

}  // namespace soco

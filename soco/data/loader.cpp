// SPDX-License-Identifier: MIT
#include "soco/data/loader.h"

#include <chrono>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/data/collate.h"
#include "soco/data/sample.h"
#include "soco/data/sampler.h"

namespace soco {
namespace {

/// What a thread that makes samples keeps between them.
struct WorkerScratch {
  EncodedImage encoded;
  DecodedPart decoded;
  std::vector<ViewMemory> views;
  SampleScratch sample;
};

/// Which samples a process reads soon under SampleOrder::kBuffered, so that the system has them ready.
class Announcer {
 public:
  /// `order`: the epoch's; of its batches from `first_batch` on this process makes `num_rows` rows from `first_row` on.
  void begin(const EpochSampler& sampler, std::int64_t epoch, const std::vector<std::int64_t>& order,
             std::int64_t first_batch, int first_row, int num_rows, std::int64_t num_images) {
    buffer_ = sampler.options().shuffle_buffer;
    arrivals_.clear();
    num_announced_ = 0;
    std::vector<bool> wanted(static_cast<std::size_t>(num_images));
    for (std::int64_t batch = first_batch; batch < sampler.batches_per_epoch(); ++batch) {
      const auto rows = order.begin() + batch * sampler.batch_size() + first_row;
      for (auto sample = rows; sample != rows + num_rows; ++sample) wanted[static_cast<std::size_t>(*sample)] = true;
    }
    std::int64_t place = 0;
    for (const std::int64_t sample : sampler.arrival_order(epoch)) {
      if (wanted[static_cast<std::size_t>(sample)]) arrivals_.push_back({place, sample});
      ++place;
    }
  }

  /// The samples that enter the buffer until the one at `position` leaves it.
  std::vector<std::int64_t> take(std::int64_t position) {
    std::vector<std::int64_t> samples;
    for (; num_announced_ < arrivals_.size(); ++num_announced_) {
      if (arrivals_[num_announced_].place > position + buffer_) break;
      samples.push_back(arrivals_[num_announced_].sample);
    }
    return samples;
  }

 private:
  struct Arrival {
    std::int64_t place, sample;  // place: in the order of arrival of all processes
  };
  std::vector<Arrival> arrivals_;  // of our samples of that epoch; empty unless buffered
  std::size_t num_announced_ = 0;  // of these
  std::int64_t buffer_ = 0;
};

/// The Maker of BatchPipeline for pretraining.
class PretrainMaker {
 public:
  using Batch = PretrainBatch;
  using Draft = PretrainBatch;
  using Scratch = WorkerScratch;

  PretrainMaker(const PretrainDataset& dataset, ViewPlan plan, const LoaderOptions& options, std::uint64_t seed,
                int batch_size, LoaderRank rank, HostAllocator allocator)
      : dataset_(dataset),
        plan_(std::move(plan)),
        quality_(options.quality),
        format_(batch_format(options, allocator)),
        seed_(seed),
        sampler_(dataset.size(), batch_size, seed,
                 {.last_batch = options.last_batch, .order = options.order, .shuffle_buffer = options.shuffle_buffer},
                 options.order == SampleOrder::kBuffered ? dataset.storage_order() : std::vector<std::int64_t>()),
        num_rows_(rank.num_rows(batch_size)),
        first_row_(rank.rank * num_rows_) {
    plan_.validate();
  }

  const EpochSampler& sampler() const { return sampler_; }
  const PretrainDataset& dataset() const { return dataset_; }
  int num_rows() const { return num_rows_; }
  int first_row() const { return first_row_; }

  int batch_size() const { return sampler_.batch_size(); }
  std::int64_t batches_per_epoch(std::int64_t /*epoch*/) const { return sampler_.batches_per_epoch(); }

  std::vector<std::int64_t> begin_epoch(std::int64_t epoch, std::int64_t first_batch) {
    std::vector<std::int64_t> order = sampler_.epoch_order(epoch);
    if (sampler_.options().order == SampleOrder::kBuffered)
      announcer_.begin(sampler_, epoch, order, first_batch, first_row_, num_rows_, dataset_.size());
    return order;
  }
  std::vector<std::int64_t> announcements(std::int64_t position) { return announcer_.take(position); }
  void announce(std::int64_t sample) const { dataset_.announce(sample); }

  void begin_batch(const SampleTicket& /*first*/, PretrainBatch spare, PretrainBatch& draft) const {
    draft = std::move(spare);
    shape_batch(plan_, num_rows_, format_, draft);
  }

  // Crops are drawn before the image is decoded, so that no more is decoded than they need.
  std::chrono::steady_clock::time_point make_row(const SampleTicket& ticket, PretrainBatch& batch,
                                                 WorkerScratch& scratch) const {
    Sample sample;
    dataset_.visit(ticket.sample_index, scratch.encoded, [&](const EncodedImage& image) {
      Rng rng(seed_, static_cast<std::uint64_t>(ticket.epoch), static_cast<std::uint64_t>(ticket.sample_index),
              purpose::kViews);
      sample = draw_sample(image.proposals.height, image.proposals.width, image.proposals, plan_, rng);
      decode_image_part(image.bytes, image.name, dataset_.limits(), decode_request_for(plan_, sample.trace, quality_),
                        scratch.decoded);
    });
    const auto decoded = std::chrono::steady_clock::now();
    views_of_row(batch, ticket.row, scratch.views);
    render_views(scratch.decoded, plan_, sample.trace, quality_, scratch.views, scratch.sample);
    copy_boxes_into(sample, ticket.sample_index, ticket.row, batch);
    return decoded;
  }

  PretrainBatch finish_batch(PretrainBatch& draft) const { return std::move(draft); }

 private:
  const PretrainDataset& dataset_;
  ViewPlan plan_;
  const Quality quality_;
  const BatchFormat format_;
  const std::uint64_t seed_;
  const EpochSampler sampler_;
  const int num_rows_, first_row_;  // of each batch that are ours
  Announcer announcer_;
};

}  // namespace

class DataLoader::Impl {
 public:
  Impl(const PretrainDataset& dataset, ViewPlan plan, const LoaderOptions& options, std::uint64_t seed, int batch_size,
       LoaderRank rank, HostAllocator allocator)
      : maker(dataset, std::move(plan), options, seed, batch_size, rank, allocator),
        pipeline(maker, options.resolved_num_workers(), options.prefetch, maker.num_rows(), maker.first_row()) {}

  PretrainMaker maker;
  BatchPipeline<PretrainMaker> pipeline;
};

BatchFormat batch_format(const LoaderOptions& options, HostAllocator allocator) {
  return {.type = options.pixels,
          .layout = options.layout,
          .finished = options.finish == FinishPlace::kWorkers,
          .allocator = allocator};
}

DataLoader::DataLoader(const PretrainDataset& dataset, ViewPlan plan, LoaderOptions options, std::uint64_t seed,
                       int batch_size, LoaderRank rank, HostAllocator allocator)
    : impl_(std::make_unique<Impl>(dataset, std::move(plan), options, seed, batch_size, rank, allocator)) {}
DataLoader::~DataLoader() = default;

void DataLoader::start(std::int64_t epoch, std::int64_t first_batch, std::int64_t end_epoch) {
  impl_->pipeline.start(epoch, first_batch, end_epoch);
}
std::optional<PretrainBatch> DataLoader::next() { return impl_->pipeline.next(); }
void DataLoader::recycle(PretrainBatch batch) { impl_->pipeline.recycle(std::move(batch)); }
StageSeconds DataLoader::stages() const { return impl_->pipeline.stages(); }
std::int64_t DataLoader::batches_per_epoch() const { return impl_->maker.sampler().batches_per_epoch(); }
int DataLoader::batch_size() const { return impl_->maker.sampler().batch_size(); }
std::int64_t DataLoader::num_bad_images() const { return impl_->maker.dataset().num_bad(); }

}  // namespace soco

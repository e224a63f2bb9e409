// SPDX-License-Identifier: MIT
#include "soco/data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/data/collate.h"
#include "soco/data/sample.h"
#include "soco/data/sampler.h"

namespace soco {
namespace {

/// One sample to be made, and where it goes.
struct Ticket {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;                    // counted from start()
  int row = 0;                               // in the batch
  std::int64_t sample_index = 0;             // of the dataset
  std::vector<std::int64_t> announced = {};  // samples that are read soon, in the order they lie
};

/// What a thread that makes samples keeps between them.
struct WorkerScratch {
  EncodedImage encoded;
  DecodedPart decoded;
  std::vector<ViewMemory> views;
  SampleScratch sample;
};

double seconds_of(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

/// One place of the ring: batch number b is made in slot b % prefetch.
struct Slot {
  PretrainBatch batch;
  bool shaped = false;  // memory is ready for samples
  int remaining = 0;    // samples not yet finished; 0 with `shaped`: the batch is whole
  std::exception_ptr error;
  int error_row = 0;  // the earliest row that failed, so that the error told does not depend on the workers' pace
};

}  // namespace

int LoaderOptions::resolved_num_workers() const {
  if (num_workers) return *num_workers;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxAutoWorkers);
}

// Invariant: tickets are given out in order; a ticket of batch b is given only while b < num_taken_ + prefetch, so its
// slot is free. All members below mutex_ are guarded by it, except that the holder of a ticket alone writes its row of
// the slot's batch, and the holder of a batch's first ticket alone shapes it before `shaped` is set.
class DataLoader::Impl {
 public:
  Impl(const PretrainDataset& dataset, ViewPlan plan, LoaderOptions options, std::uint64_t seed, int batch_size,
       LoaderRank rank, HostAllocator allocator)
      : dataset_(dataset),
        plan_(std::move(plan)),
        options_(options),
        format_{.type = options.pixels, .layout = options.layout, .allocator = allocator},
        num_workers_(options.resolved_num_workers()),
        seed_(seed),
        sampler_(dataset.size(), batch_size, seed,
                 {.last_batch = options.last_batch, .order = options.order, .shuffle_buffer = options.shuffle_buffer},
                 options.order == SampleOrder::kBuffered ? dataset.storage_order() : std::vector<std::int64_t>()),
        num_rows_(batch_size / std::max(rank.world_size, 1)),
        first_row_(rank.rank * num_rows_) {
    plan_.validate();
    if (rank.world_size < 1 || rank.rank < 0 || rank.rank >= rank.world_size)
      fail_usage("rank {} of {} processes; expected 0 to one below their number", rank.rank, rank.world_size);
    if (batch_size % rank.world_size != 0)
      fail_usage("batch_size = {} cannot be shared evenly by {} processes", batch_size, rank.world_size);
    if (num_workers_ < 0) fail_usage("num_workers = {}; expected 0 or more", num_workers_);
    if (options_.prefetch < 1) fail_usage("prefetch = {}; expected 1 or more", options_.prefetch);
  }

  ~Impl() { stop(); }

  void start(std::int64_t epoch, std::int64_t first_batch, std::int64_t end_epoch) {
    SOCO_ASSERT(epoch >= 0 && first_batch >= 0 && first_batch <= sampler_.batches_per_epoch());
    stop();
    const std::lock_guard lock(mutex_);
    stopping_ = false;
    error_ = nullptr;
    num_taken_ = 0;
    slots_.clear();
    slots_.resize(static_cast<std::size_t>(options_.prefetch));
    next_ = Ticket{.epoch = epoch};
    epoch_batch_ = first_batch;
    end_epoch_ = end_epoch;
    order_epoch_ = -1;
    started_ = true;
    for (int i = 0; i < num_workers_; ++i) workers_.emplace_back([this] { work(); });
  }

  std::optional<PretrainBatch> next() {
    const auto begin = std::chrono::steady_clock::now();
    if (num_workers_ == 0) make_one_batch_here();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || !started_ || front_is_whole() || at_end(); });
    waited_ += std::chrono::steady_clock::now() - begin;
    if (!error_ && started_ && front_is_whole()) return take_front();
    if (error_) std::rethrow_exception(error_);
    return std::nullopt;
  }

  void recycle(PretrainBatch batch) {
    const std::lock_guard lock(mutex_);
    if (static_cast<int>(spare_.size()) < options_.prefetch) spare_.push_back(std::move(batch));
  }

  StageSeconds stages() const {
    const std::lock_guard lock(mutex_);
    return {.decode = seconds_of(decoding_), .augment = seconds_of(augmenting_), .wait = seconds_of(waited_)};
  }

  const EpochSampler& sampler() const { return sampler_; }
  const PretrainDataset& dataset() const { return dataset_; }

 private:
  Slot& slot_of(std::int64_t batch) { return slots_[static_cast<std::size_t>(batch % options_.prefetch)]; }
  bool front_is_whole() {
    const Slot& front = slot_of(num_taken_);
    return front.shaped && front.remaining == 0;
  }
  bool more_tickets() {
    if (epoch_batch_ == sampler_.batches_per_epoch()) {
      epoch_batch_ = 0;
      ++next_.epoch;
    }
    return next_.epoch < end_epoch_;
  }
  bool at_end() { return !more_tickets() && next_.batch == num_taken_ && next_.row == 0; }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      started_ = false;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  void work() {
    WorkerScratch scratch;
    while (std::optional<Ticket> ticket = wait_for_ticket()) run_ticket(*ticket, scratch);
  }

  std::optional<Ticket> wait_for_ticket() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !more_tickets() || next_.batch < num_taken_ + options_.prefetch; });
    if (stopping_ || !more_tickets()) return std::nullopt;
    return give_ticket();
  }

  // Under the lock, and with a free slot.
  Ticket give_ticket() {
    if (order_epoch_ != next_.epoch) begin_epoch();
    Ticket ticket = next_;
    const std::int64_t position = position_of(epoch_batch_, ticket.row);
    ticket.sample_index = order_[static_cast<std::size_t>(position)];
    ticket.announced = take_announcements(position);
    if (ticket.row == 0) slot_of(ticket.batch).remaining = num_rows_;
    if (++next_.row == num_rows_) {
      next_.row = 0;
      ++next_.batch;
      ++epoch_batch_;
    }
    return ticket;
  }

  // Of a row of ours in the epoch's order.
  std::int64_t position_of(std::int64_t epoch_batch, int row) const {
    return epoch_batch * sampler_.batch_size() + first_row_ + row;
  }

  // Under the lock.
  void begin_epoch() {
    order_ = sampler_.epoch_order(next_.epoch);
    order_epoch_ = next_.epoch;
    arrivals_.clear();
    num_announced_ = 0;
    if (options_.order != SampleOrder::kBuffered) return;
    std::vector<bool> ours(static_cast<std::size_t>(dataset_.size()));
    for (std::int64_t batch = epoch_batch_; batch < sampler_.batches_per_epoch(); ++batch) {
      for (int row = 0; row < num_rows_; ++row)
        ours[static_cast<std::size_t>(order_[static_cast<std::size_t>(position_of(batch, row))])] = true;
    }
    std::int64_t place = 0;
    for (const std::int64_t sample : sampler_.arrival_order(next_.epoch)) {
      if (ours[static_cast<std::size_t>(sample)]) arrivals_.push_back({place, sample});
      ++place;
    }
  }

  // Under the lock. The samples that enter the buffer until the one at `position` leaves it.
  std::vector<std::int64_t> take_announcements(std::int64_t position) {
    std::vector<std::int64_t> samples;
    for (; num_announced_ < arrivals_.size(); ++num_announced_) {
      if (arrivals_[num_announced_].place > position + options_.shuffle_buffer) break;
      samples.push_back(arrivals_[num_announced_].sample);
    }
    return samples;
  }

  void run_ticket(const Ticket& ticket, WorkerScratch& scratch) {
    for (const std::int64_t sample : ticket.announced) dataset_.announce(sample);
    if (ticket.row == 0) shape_slot(ticket);
    if (!wait_until_shaped(ticket)) return;
    std::exception_ptr error;
    try {
      make_row(ticket, scratch);
    } catch (...) {
      error = std::current_exception();
    }
    finish_ticket(ticket, error);
  }

  // Reuses a spare batch's memory, or gets new memory outside the lock, which takes long for a large batch.
  void shape_slot(const Ticket& ticket) {
    PretrainBatch batch;
    std::exception_ptr error;
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        batch = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    try {
      shape_batch(plan_, num_rows_, format_, batch);
    } catch (const std::bad_alloc&) {
      error = std::make_exception_ptr(
          Error(fmt::format("there is no memory for a batch of {} images; lower batch_size or prefetch", num_rows_)));
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      slot_of(ticket.batch).batch = std::move(batch);
      slot_of(ticket.batch).shaped = !error;
      if (error) end_with(error);
    }
    changed_.notify_all();
  }

  // False when the loader stops.
  bool wait_until_shaped(const Ticket& ticket) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || slot_of(ticket.batch).shaped; });
    return !stopping_;
  }

  // Crops are drawn before the image is decoded, so that no more is decoded than they need.
  void make_row(const Ticket& ticket, WorkerScratch& scratch) {
    const auto begin = std::chrono::steady_clock::now();
    Sample sample;
    dataset_.visit(ticket.sample_index, scratch.encoded, [&](const EncodedImage& image) {
      Rng rng(seed_, static_cast<std::uint64_t>(ticket.epoch), static_cast<std::uint64_t>(ticket.sample_index),
              purpose::kViews);
      sample = draw_sample(image.proposals.height, image.proposals.width, image.proposals, plan_, rng);
      decode_image_part(image.bytes, image.name, dataset_.limits(),
                        decode_request_for(plan_, sample.trace, options_.quality), scratch.decoded);
    });
    const auto decoded = std::chrono::steady_clock::now();
    PretrainBatch& batch = slot_of(ticket.batch).batch;
    views_of_row(batch, ticket.row, scratch.views);
    render_views(scratch.decoded, plan_, sample.trace, options_.quality, scratch.views, scratch.sample);
    copy_boxes_into(sample, ticket.sample_index, ticket.row, batch);
    const std::lock_guard lock(mutex_);
    decoding_ += decoded - begin;
    augmenting_ += std::chrono::steady_clock::now() - decoded;
  }

  void finish_ticket(const Ticket& ticket, std::exception_ptr error) {
    {
      const std::lock_guard lock(mutex_);
      Slot& slot = slot_of(ticket.batch);
      if (error && (!slot.error || ticket.row < slot.error_row)) {
        slot.error = error;
        slot.error_row = ticket.row;
      }
      if (--slot.remaining > 0) return;
    }
    changed_.notify_all();
  }

  // Under the lock. The next batch in order; throws its error, then and ever after.
  PretrainBatch take_front() {
    Slot& front = slot_of(num_taken_);
    if (front.error) {
      end_with(front.error);
      changed_.notify_all();
      std::rethrow_exception(error_);
    }
    PretrainBatch batch = std::move(front.batch);
    front = Slot{};
    ++num_taken_;
    changed_.notify_all();
    return batch;
  }

  // Under the lock. Every next() from now on throws this error.
  void end_with(std::exception_ptr error) {
    error_ = error;
    stopping_ = true;
  }

  void make_one_batch_here() {
    for (int row = 0; row < num_rows_; ++row) {
      std::optional<Ticket> ticket;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_ || !started_ || !more_tickets()) return;
        ticket = give_ticket();
      }
      run_ticket(*ticket, scratch_);
    }
  }

  const PretrainDataset& dataset_;
  ViewPlan plan_;
  const LoaderOptions options_;
  const BatchFormat format_;
  const int num_workers_;
  const std::uint64_t seed_;
  const EpochSampler sampler_;
  const int num_rows_, first_row_;    // of each batch that are ours
  std::vector<std::thread> workers_;  // the caller's thread alone touches it
  WorkerScratch scratch_;             // without workers: the caller's

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  bool stopping_ = false;
  std::exception_ptr error_;
  std::vector<Slot> slots_{1};
  std::vector<PretrainBatch> spare_;
  std::int64_t num_taken_ = 0;    // batches given to the caller since start()
  Ticket next_;                   // the ticket to give next, but for its sample
  std::int64_t epoch_batch_ = 0;  // of that ticket in its epoch
  std::int64_t end_epoch_ = 0;
  std::vector<std::int64_t> order_;  // of epoch order_epoch_
  std::int64_t order_epoch_ = -1;
  struct Arrival {
    std::int64_t place, sample;  // place: in the order of arrival of all processes
  };
  std::vector<Arrival> arrivals_;  // of our samples of that epoch; empty unless buffered
  std::size_t num_announced_ = 0;  // of these
  std::chrono::steady_clock::duration waited_{}, decoding_{}, augmenting_{};
};

DataLoader::DataLoader(const PretrainDataset& dataset, ViewPlan plan, LoaderOptions options, std::uint64_t seed,
                       int batch_size, LoaderRank rank, HostAllocator allocator)
    : impl_(std::make_unique<Impl>(dataset, std::move(plan), options, seed, batch_size, rank, allocator)) {}
DataLoader::~DataLoader() = default;

void DataLoader::start(std::int64_t epoch, std::int64_t first_batch, std::int64_t end_epoch) {
  impl_->start(epoch, first_batch, end_epoch);
}
std::optional<PretrainBatch> DataLoader::next() { return impl_->next(); }
void DataLoader::recycle(PretrainBatch batch) { impl_->recycle(std::move(batch)); }
StageSeconds DataLoader::stages() const { return impl_->stages(); }
std::int64_t DataLoader::batches_per_epoch() const { return impl_->sampler().batches_per_epoch(); }
int DataLoader::batch_size() const { return impl_->sampler().batch_size(); }
std::int64_t DataLoader::num_bad_images() const { return impl_->dataset().num_bad(); }

}  // namespace soco

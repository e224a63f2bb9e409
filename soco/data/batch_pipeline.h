// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/data/throughput.h"

namespace soco {

/// The part of each batch that a process of several makes: rank r of W the rows [r, r + 1) * batch_size / W of the
/// batch that one process would make.
struct LoaderRank {
  int rank = 0;
  int world_size = 1;

  /// Rows of a batch of `batch_size` that are ours. Usage Error when the processes cannot share it evenly.
  int num_rows(int batch_size) const {
    if (world_size < 1 || rank < 0 || rank >= world_size)
      fail_usage("rank {} of {} processes; expected 0 to one below their number", rank, world_size);
    if (batch_size % world_size != 0)
      fail_usage("batch_size = {} cannot be shared evenly by {} processes", batch_size, world_size);
    return batch_size / world_size;
  }
};

/// One sample to be made, and where it goes.
struct SampleTicket {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;                    ///< counted from start()
  std::int64_t epoch_batch = 0;              ///< counted from the epoch's beginning
  int row = 0;                               ///< of ours in the batch
  std::int64_t position = 0;                 ///< in the epoch's order
  std::int64_t sample_index = 0;             ///< of the data set
  std::vector<std::int64_t> announced = {};  ///< samples that are read soon, in the order they lie
};

/// Makes batches in order with any number of threads: worker threads fill a bounded ring of batches ahead of the
/// caller, sample by sample, across epoch boundaries. What a sample is, the Maker knows:
///   Batch     what the caller gets; Draft: a batch being made, kept between batches; Scratch: of one thread
///   batch_size(), batches_per_epoch(epoch)
///   begin_epoch(epoch, first_batch) -> the epoch's samples, batch after batch; under the pipeline's lock, in order
///   announcements(position) -> samples for a ticket's `announced`; under the lock, in order
///   announce(sample)
///   begin_batch(ticket, spare, draft): by one thread before the batch's rows; `spare` is a Batch given back, or empty
///   make_row(ticket, draft, scratch) -> when the decoding ended; rows of a draft at once by several threads
///   finish_batch(draft) -> Batch, after all its rows; not called when one of them failed
/// One caller at a time.
template <class Maker>
class BatchPipeline {
 public:
  using Batch = typename Maker::Batch;
  using Clock = std::chrono::steady_clock;

  /// `num_rows`, `first_row`: of each batch that are ours. Usage Error for a negative number of workers.
  BatchPipeline(Maker& maker, int num_workers, int prefetch, int num_rows, int first_row)
      : maker_(maker), num_workers_(num_workers), prefetch_(prefetch), num_rows_(num_rows), first_row_(first_row) {
    if (num_workers < 0) fail_usage("num_workers = {}; expected 0 or more", num_workers);
    if (prefetch < 1) fail_usage("prefetch = {}; expected 1 or more", prefetch);
  }
  ~BatchPipeline() { stop(); }
  BatchPipeline(const BatchPipeline&) = delete;
  BatchPipeline& operator=(const BatchPipeline&) = delete;

  /// Starts (again) at a batch of an epoch; next() then goes on up to but without `end_epoch`.
  void start(std::int64_t epoch, std::int64_t first_batch, std::int64_t end_epoch) {
    SOCO_ASSERT(epoch >= 0 && first_batch >= 0 && first_batch <= maker_.batches_per_epoch(epoch));
    stop();
    const std::lock_guard lock(mutex_);
    stopping_ = false;
    error_ = nullptr;
    num_taken_ = 0;
    slots_.clear();
    slots_.resize(static_cast<std::size_t>(prefetch_));
    next_ = SampleTicket{.epoch = epoch, .epoch_batch = first_batch};
    end_epoch_ = end_epoch;
    order_epoch_ = -1;
    epoch_batches_ = maker_.batches_per_epoch(epoch);
    started_ = true;
    for (int i = 0; i < num_workers_; ++i) workers_.emplace_back([this] { work(); });
  }

  /// The next batch; empty after the last, or before start(). A worker's error is thrown in the place of the batch it
  /// broke, and by every call after it until start().
  std::optional<Batch> next() {
    const auto begin = Clock::now();
    if (num_workers_ == 0) make_one_batch_here();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || !started_ || front_is_whole() || at_end(); });
    waited_ += Clock::now() - begin;
    if (!error_ && started_ && front_is_whole()) return take_front();
    if (error_) std::rethrow_exception(error_);
    return std::nullopt;
  }

  /// Gives a used batch's memory back for a coming one.
  void recycle(Batch batch) {
    const std::lock_guard lock(mutex_);
    if (static_cast<int>(spare_.size()) < prefetch_) spare_.push_back(std::move(batch));
  }

  /// What the workers spent since the pipeline was made, and what next() has waited for them.
  StageSeconds stages() const {
    const std::lock_guard lock(mutex_);
    const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
    return {.decode = seconds(decoding_), .augment = seconds(augmenting_), .wait = seconds(waited_)};
  }

 private:
  /// One place of the ring: batch number b is made in slot b % prefetch.
  struct Slot {
    typename Maker::Draft draft;
    std::optional<Batch> batch;
    bool begun = false;  // the draft is ready for samples
    int remaining = 0;   // samples not yet finished; 0 with `begun`: the batch is whole
    std::exception_ptr error;
    int error_row = 0;  // the earliest row that failed, so that the error told does not depend on the workers' pace
  };

  // Invariant: tickets are given out in order; a ticket of batch b is given only while b < num_taken_ + prefetch, so
  // its slot is free. All members below mutex_ are guarded by it, except that the holder of a ticket alone writes its
  // row of the slot's draft, the holder of a batch's first ticket alone begins it before `begun` is set, and who
  // finishes its last row alone finishes it before `remaining` is 0.

  Slot& slot_of(std::int64_t batch) { return slots_[static_cast<std::size_t>(batch % prefetch_)]; }
  bool front_is_whole() {
    const Slot& front = slot_of(num_taken_);
    return front.begun && front.remaining == 0;
  }
  bool more_tickets() {
    while (next_.epoch < end_epoch_ && next_.epoch_batch == epoch_batches_) {
      next_.epoch_batch = 0;
      epoch_batches_ = maker_.batches_per_epoch(++next_.epoch);
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
    typename Maker::Scratch scratch;
    while (std::optional<SampleTicket> ticket = wait_for_ticket()) run_ticket(*ticket, scratch);
  }

  std::optional<SampleTicket> wait_for_ticket() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !more_tickets() || next_.batch < num_taken_ + prefetch_; });
    if (stopping_ || !more_tickets()) return std::nullopt;
    return give_ticket();
  }

  // Under the lock, and with a free slot.
  SampleTicket give_ticket() {
    if (order_epoch_ != next_.epoch) {
      order_ = maker_.begin_epoch(next_.epoch, next_.epoch_batch);
      order_epoch_ = next_.epoch;
    }
    SampleTicket ticket = next_;
    ticket.position = next_.epoch_batch * maker_.batch_size() + first_row_ + next_.row;
    ticket.sample_index = order_[static_cast<std::size_t>(ticket.position)];
    ticket.announced = maker_.announcements(ticket.position);
    if (ticket.row == 0) slot_of(ticket.batch).remaining = num_rows_;
    if (++next_.row == num_rows_) {
      next_.row = 0;
      ++next_.batch;
      ++next_.epoch_batch;
    }
    return ticket;
  }

  void run_ticket(const SampleTicket& ticket, typename Maker::Scratch& scratch) {
    for (const std::int64_t sample : ticket.announced) maker_.announce(sample);
    if (ticket.row == 0) begin_slot(ticket);
    if (!wait_until_begun(ticket)) return;
    std::exception_ptr error;
    const auto begin = Clock::now();
    auto decoded = begin;
    try {
      decoded = maker_.make_row(ticket, slot_of(ticket.batch).draft, scratch);
    } catch (...) {
      error = std::current_exception();
    }
    const bool is_last = finish_row(ticket, error, decoded - begin, Clock::now() - decoded);
    if (is_last) finish_slot(slot_of(ticket.batch));
  }

  // Reuses a spare batch's memory, or gets new memory outside the lock, which takes long for a large batch.
  void begin_slot(const SampleTicket& ticket) {
    std::optional<Batch> spare;
    std::exception_ptr error;
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        spare = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    Slot& slot = slot_of(ticket.batch);
    try {
      maker_.begin_batch(ticket, spare ? std::move(*spare) : Batch{}, slot.draft);
    } catch (...) {
      error = readable(std::current_exception());
    }
    {
      const std::lock_guard lock(mutex_);
      slot.begun = !error;
      if (error) end_with(error);
    }
    changed_.notify_all();
  }

  // False when the loader stops.
  bool wait_until_begun(const SampleTicket& ticket) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || slot_of(ticket.batch).begun; });
    return !stopping_;
  }

  // Whether it was the last of its batch, which is then ours to finish.
  bool finish_row(const SampleTicket& ticket, std::exception_ptr error, Clock::duration decode,
                  Clock::duration augment) {
    const std::lock_guard lock(mutex_);
    decoding_ += decode;
    augmenting_ += augment;
    Slot& slot = slot_of(ticket.batch);
    if (error && (!slot.error || ticket.row < slot.error_row)) {
      slot.error = error;
      slot.error_row = ticket.row;
    }
    if (slot.remaining == 1) return true;
    --slot.remaining;
    return false;
  }

  void finish_slot(Slot& slot) {
    const auto begin = Clock::now();
    std::optional<Batch> batch;
    std::exception_ptr error;
    try {
      if (!slot.error) batch = maker_.finish_batch(slot.draft);
    } catch (...) {
      error = readable(std::current_exception());
    }
    {
      const std::lock_guard lock(mutex_);
      augmenting_ += Clock::now() - begin;
      slot.batch = std::move(batch);
      if (error) slot.error = error;
      slot.remaining = 0;
    }
    changed_.notify_all();
  }

  std::exception_ptr readable(std::exception_ptr error) const {
    try {
      std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
      return std::make_exception_ptr(
          Error(fmt::format("there is no memory for a batch of {} images; lower batch_size or prefetch", num_rows_)));
    } catch (...) {
      return error;
    }
  }

  // Under the lock. The next batch in order; throws its error, then and ever after.
  Batch take_front() {
    Slot& front = slot_of(num_taken_);
    if (front.error) {
      end_with(front.error);
      changed_.notify_all();
      std::rethrow_exception(error_);
    }
    Batch batch = std::move(*front.batch);
    front.batch.reset();
    front.begun = false;
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
      std::optional<SampleTicket> ticket;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_ || !started_ || !more_tickets()) return;
        ticket = give_ticket();
      }
      run_ticket(*ticket, scratch_);
    }
  }

  Maker& maker_;
  const int num_workers_, prefetch_, num_rows_, first_row_;
  std::vector<std::thread> workers_;  // the caller's thread alone touches it
  typename Maker::Scratch scratch_;   // without workers: the caller's

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  bool stopping_ = false;
  std::exception_ptr error_;
  std::vector<Slot> slots_{1};
  std::vector<Batch> spare_;
  std::int64_t num_taken_ = 0;  // batches given to the caller since start()
  SampleTicket next_;           // the ticket to give next, but for its sample
  std::int64_t end_epoch_ = 0;
  std::int64_t epoch_batches_ = 0;   // of next_.epoch
  std::vector<std::int64_t> order_;  // of epoch order_epoch_
  std::int64_t order_epoch_ = -1;
  Clock::duration waited_{}, decoding_{}, augmenting_{};
};

}  // namespace soco

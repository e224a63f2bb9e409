// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>

namespace soco {

/// What the sums over the ranks cost so far.
struct Traffic {
  double seconds = 0;  // that the caller waited, for slower ranks too; GPUs that sum among themselves wait unseen
  std::int64_t calls = 0;
  std::int64_t bytes = 0;  // of the summed tensors

  Traffic operator-(const Traffic& earlier) const {
    return {seconds - earlier.seconds, calls - earlier.calls, bytes - earlier.bytes};
  }
};

/// A sum over the ranks that is under way.
class PendingSum {
 public:
  virtual ~PendingSum() = default;
  /// Returns when the tensor holds the sum, or, of a CUDA tensor, will hold it for what the current stream is given
  /// from then on. Once.
  virtual void wait() = 0;
};

/// The processes ("ranks") that train one model together. Every rank makes the same calls in the same order; a call
/// returns when all have made it. Errors name this rank and what became of the others. Not thread-safe.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;
  virtual int world_size() const = 0;

  /// Replaces the values by their sums over all ranks, added up in an order that depends on the number of ranks alone.
  /// `tensor`: contiguous, of one dtype and shape on all ranks.
  virtual void all_reduce_sum(torch::Tensor& tensor) = 0;

  /// As all_reduce_sum, but returns at once; `tensor` is neither read nor written by others until wait(). Sums that are
  /// started go their own way beside all_reduce_sum's, in the order in which they are started, the same on all ranks.
  /// The communicator must outlive the result.
  virtual std::unique_ptr<PendingSum> start_sum(torch::Tensor& tensor) = 0;

  /// Ranks above 0 wait here until rank 0 has come here too, however long that takes; rank 0 goes on at once.
  virtual void wait_for_main() = 0;

  virtual Traffic traffic() const { return {}; }

  bool is_main() const { return rank() == 0; }
  bool is_alone() const { return world_size() == 1; }
};

/// The form of one process: nothing to wait for.
class SingleProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  void all_reduce_sum(torch::Tensor&) override {}
  std::unique_ptr<PendingSum> start_sum(torch::Tensor&) override { return std::make_unique<NoSum>(); }
  void wait_for_main() override {}

 private:
  struct NoSum final : PendingSum {
    void wait() override {}
  };
};

/// Whether all ranks say yes, for what is done by all or by none.
bool all_ranks_agree(Communicator& communicator, bool here);

/// Runs `work` on rank 0 while the others wait for its end, however it ends and however long that takes.
template <class Work>
void on_main_rank(Communicator& communicator, const Work& work) {
  try {
    if (communicator.is_main()) work();
  } catch (...) {
    communicator.wait_for_main();
    throw;
  }
  communicator.wait_for_main();
}

}  // namespace soco

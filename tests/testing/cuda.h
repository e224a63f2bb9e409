// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>
#include <torch/torch.h>

/// Ends a test, as skipped, where libtorch or the machine has no CUDA.
#define SOCO_CUDA_OR_SKIP() \
  if (!torch::cuda::is_available()) GTEST_SKIP() << "SKIPPED: no CUDA device"

// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>

namespace soco {

/// Calls body(begin, end) on disjoint ranges that make up [0, n), on libtorch's own operation threads. libtorch's
/// at::parallel_for is compiled into the caller, where it is serial without OpenMP flags; and threads of our own would
/// fight libtorch's, which spin for a while after each of its operations. Ranges hold at least `grain` indices (the
/// last may hold fewer), so that small work stays on the caller's thread. An error of `body` reaches the caller.
void torch_parallel_for(std::int64_t n, std::int64_t grain,
                        const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace soco

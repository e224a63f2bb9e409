// SPDX-License-Identifier: MIT
#include "soco/base/allocator.h"

#include <malloc.h>

namespace soco {

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc allows
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

}  // namespace soco

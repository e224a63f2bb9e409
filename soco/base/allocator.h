// SPDX-License-Identifier: MIT
#pragma once

namespace soco {

/// Lets malloc keep what was freed, up to 512 MiB: else the buffers of every image, and the tensors of every step, come
/// from the system and go back to it, and clearing their pages costs a quarter of a proposals job and a twentieth of a
/// training step. The peak hardly grows. For the whole process: a program calls it, a library does not.
void keep_freed_memory();

}  // namespace soco

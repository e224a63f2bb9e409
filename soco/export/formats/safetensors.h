// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// Our own names and metadata in a safetensors file: everything of the online network, nothing skipped.
const FormatPart& safetensors_format();

}  // namespace soco

// SPDX-License-Identifier: MIT
#include "soco/run/probe_options.h"

#include "soco/base/error.h"

namespace soco {

void ProbeOptions::validate() const {
  if (every_epochs > 0 && (images.empty() || annotations.empty()))
    fail_usage(
        "probe.every_epochs = {} needs labelled images: set probe.images and probe.annotations (COCO), or "
        "probe.every_epochs=0",
        every_epochs);
}

}  // namespace soco

// SPDX-License-Identifier: MIT
#pragma once

namespace soco {

/// `soco inspect detection`: draws what a detector would be trained on. argv[0] is "detection".
int run_inspect_detection(int argc, char** argv);

}  // namespace soco

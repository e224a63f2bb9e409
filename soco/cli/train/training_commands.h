// SPDX-License-Identifier: MIT
#pragma once
#include "soco/base/log.h"

namespace soco {

/// Of several ranks the first speaks; the others warn.
LogLevel console_level();

int run_pretrain(int argc, char** argv);
int run_finetune(int argc, char** argv);
int run_predict(int argc, char** argv);
int run_resume(int argc, char** argv);
int run_probe(int argc, char** argv);
int run_replay(int argc, char** argv);
/// One line each about libtorch, for the doctor.
int run_doctor_torch(int argc, char** argv);

}  // namespace soco

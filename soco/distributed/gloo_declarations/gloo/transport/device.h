// SPDX-License-Identifier: MIT
#pragma once
#include <gloo/context.h>

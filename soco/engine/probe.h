// SPDX-License-Identifier: MIT
#pragma once
#include "soco/base/log.h"
#include "soco/data/probe_set.h"
#include "soco/engine/probe_network.h"
#include "soco/evaluation/feature_probe.h"
#include "soco/image/codec.h"
#include "soco/run/probe_options.h"

namespace soco {

/// Features of the labelled boxes of a set, or of its images (kImage: those whose objects are all of one class).
struct ProbeFeatures {
  LabelledFeatures train, val;
};

/// Reads every image of `set` (longer side at most options.max_side px, made smaller as views are), and takes the
/// features of its objects. Rows are in the order of the set, and the same for any number of `workers`.
/// Errors: an image that cannot be read, or is of another size than its annotations say.
ProbeFeatures extract_features(ProbeNetwork& network, const ProbeSet& set, const ProbeOptions& options,
                               const DecodeLimits& limits, Logger& log);

/// judge_features of them, with the names of the set.
FeatureProbe judge(const ProbeFeatures& features, const ProbeSet& set, const ProbeOptions& options);

/// extract_features, then judge.
FeatureProbe probe_network(ProbeNetwork& network, const ProbeSet& set, const ProbeOptions& options,
                           const DecodeLimits& limits, Logger& log);

/// The set of options.images and options.annotations, split by options. Errors: see list_images, make_probe_set.
ProbeSet load_probe_set(const ProbeOptions& options, Logger& log);

}  // namespace soco

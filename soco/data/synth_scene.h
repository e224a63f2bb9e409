// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "soco/base/random.h"
#include "soco/data/synth.h"
#include "soco/data/synth_mask.h"
#include "soco/image/image.h"

namespace soco {

/// An annotated object, or a crowd of small objects of one category, as far as it can be seen.
struct SceneObject {
  int category = 0;  // 0-based
  bool crowd = false;
  BinaryMask visible;  // the image's size; masks of one scene are disjoint
};

struct Scene {
  Image image;
  std::vector<SceneObject> objects;  // front to back
};

/// Draws one scene: a textured background with unlabelled clutter, objects in front of each other with soft shadows,
/// uneven light and sensor noise. An object of which less than 15 % would be seen is not drawn at all.
Scene draw_scene(const SynthOptions& options, Rng& rng);

}  // namespace soco

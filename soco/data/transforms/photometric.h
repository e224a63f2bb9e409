// SPDX-License-Identifier: MIT
#pragma once
#include "soco/base/random.h"
#include "soco/data/view_plan.h"
#include "soco/image/blur.h"
#include "soco/image/fast_view.h"
#include "soco/image/image.h"
#include "soco/image/normalize.h"
#include "soco/image/planar_image.h"
#include "soco/structures/view_changes.h"

namespace soco {

/// Draws all decisions, used or not, so that one probability does not move the draws that follow.
PhotometricDecision draw_photometric(const PhotometricOptions& options, Rng& rng);

/// Colour jitter in the drawn order, then grey, blur, solarize.
void apply_photometric(const PhotometricDecision& decision, Image& image);

/// Memory of finish_view, kept between views by one thread.
struct PhotometricScratch {
  PlanarImage planes;
  BlurScratch blur;
};

/// A cut and resized view to its place in a batch: apply_photometric, mirrored if asked, normalised with ImageNet's
/// mean and deviation. The mirror comes last, not first as in the release, which makes no difference: a pixel's new
/// colour depends on its own, on the mean of all, or on neighbours weighted alike to the left and the right. Allocates
/// nothing once `scratch` has held a view of this size.
void finish_view(const PhotometricDecision& decision, Mirror mirror, const Image& resized, const ViewMemory& out,
                 PhotometricScratch& scratch);

/// The same of a view that fast_resize made: colours limited to 0..255 after each step, but rounded to 64ths of a
/// level.
void finish_view(const PhotometricDecision& decision, Mirror mirror, FastView& view, const ViewMemory& out);

}  // namespace soco

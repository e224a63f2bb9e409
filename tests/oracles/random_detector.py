# SPDX-License-Identifier: MIT
"""Random weights of detectors and of parts of them under our names, with numpy alone. Their outputs neither vanish nor explode."""
import numpy as np

PYRAMID, FC = 64, 96
BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


def make(depth, c4=False, norm=False, trunk=False, rpn=None, convs=0, fcs=None, masks=None, extra_norm=False, classes=5, agnostic=False,
         deltas=1.0, logits=1.0, seed=3):
    """name -> float32 array. norm: of pyramid and heads; trunk: nothing else; rpn: anchors a cell; convs, fcs: of the box head; masks:
    convolutions of the mask head, None: no masks; deltas, logits: what these layers' weights are multiplied by."""
    rng, weights = np.random.default_rng(seed), {}
    own = 1 if agnostic else classes

    def uniform(low, high, *shape):
        return rng.uniform(low, high, shape).astype(np.float32)

    def normal(deviation, *shape):
        return (rng.standard_normal(shape) * deviation).astype(np.float32)

    def add_norm(name, channels, scale=1.0):
        weights[name + ".weight"] = uniform(0.5, 1.5, channels) * np.float32(scale)
        weights[name + ".bias"], weights[name + ".running_mean"] = uniform(-0.2, 0.2, channels), uniform(-0.2, 0.2, channels)
        weights[name + ".running_var"] = uniform(0.5, 1.5, channels)
        weights[name + ".num_batches_tracked"] = np.array(9)

    def conv(name, out, inner, kernel, with_norm, scale=1.0):
        weights[name + ".weight"] = normal((2 / (inner * kernel * kernel)) ** 0.5 * (1 if with_norm else scale), out, inner, kernel, kernel)
        if with_norm:
            add_norm(name + ".norm", out, scale)
        else:
            weights[name + ".bias"] = uniform(-0.2, 0.2, out)

    def linear(name, out, inner, scale=1.0):
        weights[name + ".weight"] = normal((1 / inner) ** 0.5 * scale, out, inner)
        weights[name + ".bias"] = uniform(-0.2, 0.2, out)

    body = "backbone." if c4 else "backbone.bottom_up."
    conv(body + "stem.conv1", 64, 3, 7, True)
    inner, channels = 64, []
    for stage in range(4):
        width = 64 << stage
        out = width if depth == 18 else 4 * width
        for i in range(BLOCKS[depth][stage]):
            at = f"{'roi_heads.' if c4 and stage == 3 else body}res{stage + 2}.{i}."
            if inner != out:
                conv(at + "shortcut", out, inner, 1, True)
            if depth == 18:
                conv(at + "conv1", width, inner, 3, True), conv(at + "conv2", out, width, 3, True, 0.3)
            else:
                conv(at + "conv1", width, inner, 1, True), conv(at + "conv2", width, width, 3, True)
                conv(at + "conv3", out, width, 1, True, 0.3)
            inner = out
        channels.append(out)
    if extra_norm:
        add_norm("roi_heads.res5.norm", inner)
    if not c4 and not trunk:
        for level, out in enumerate(channels):
            conv(f"backbone.fpn_lateral{level + 2}", PYRAMID, out, 1, norm), conv(f"backbone.fpn_output{level + 2}", PYRAMID, PYRAMID, 3, norm)
    map_channels = channels[2] if c4 else PYRAMID
    if rpn:
        head = "proposal_generator.rpn_head."
        conv(head + "conv", map_channels, map_channels, 3, False)
        conv(head + "objectness_logits", rpn, map_channels, 1, False)
        conv(head + "anchor_deltas", 4 * rpn, map_channels, 1, False, deltas)
    vector = channels[3]
    if fcs is not None:
        for i in range(convs):
            conv(f"roi_heads.box_head.conv{i + 1}", PYRAMID, PYRAMID, 3, norm)
        vector = PYRAMID * 49
        for i in range(fcs):
            linear(f"roi_heads.box_head.fc{i + 1}", FC, vector)
            vector = FC
    if rpn:
        linear("roi_heads.box_predictor.cls_score", classes + 1, vector, logits)
        linear("roi_heads.box_predictor.bbox_pred", 4 * own, vector, deltas)
    if rpn and masks is not None:
        inner = channels[3] if c4 else PYRAMID
        for i in range(masks):
            conv(f"roi_heads.mask_head.mask_fcn{i + 1}", PYRAMID, inner, 3, norm)
            inner = PYRAMID
        weights["roi_heads.mask_head.deconv.weight"] = normal((2 / inner) ** 0.5, inner, PYRAMID, 2, 2)
        weights["roi_heads.mask_head.deconv.bias"] = uniform(-0.2, 0.2, PYRAMID)
        conv("roi_heads.mask_head.predictor", own, PYRAMID, 1, False)
    return weights

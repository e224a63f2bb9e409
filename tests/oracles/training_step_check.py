#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks training_step_oracle.py against things it does not share code with: torchvision's ResNet, a hand-counted loss, the
number of BatchNorm moves a step makes, and finite differences. Writes OUT, a line for each check; fails by assertion.

  training_step_check.py OUT"""
import pathlib
import sys

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import resnet_oracle  # noqa: E402
import roi_align_plain  # noqa: E402
import training_step_oracle as oracle  # noqa: E402

SMALL = {**oracle.SHAPE, "depth": 18, "fpn_channels": 8, "head_num_convs": 1, "head_fc_channels": 16, "projector_hidden_channels": 16,
         "projector_out_channels": 8}


def training(mode_seed=0, sizes=(32, 32, 32), num_images=2):
    torch.manual_seed(mode_seed)
    rng = np.random.default_rng(mode_seed)
    result = oracle.Training(SMALL, torch.float64, oracle.random_weights(SMALL, rng, zero_gammas=False, momentum=False))
    return result, result.read_batch(oracle.random_batch(rng, num_images, sizes, oracle.LEVELS["fpn"]))


def check_backbones_are_torchvisions():
    for depth in (18, 50):
        theirs = getattr(torchvision.models, f"resnet{depth}")().double().train()
        ours = oracle.ResNet(depth).double().train()
        ours.load_state_dict({resnet_oracle.our_name(k): v for k, v in theirs.state_dict().items() if not k.startswith("fc.")})
        x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
        expected = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x))))
        for i, got in enumerate(ours(x)):
            expected = getattr(theirs, f"layer{i + 1}")(expected)
            assert torch.equal(got, expected), (depth, i)


def check_plain_roi_align_is_torchvisions():
    torch.manual_seed(1)
    rois = torch.cat([torch.randint(0, 2, (12, 1)), torch.rand(12, 2) * 9 - 2, torch.rand(12, 2) * 9 + 4], 1).double()
    for kwargs in ({"aligned": True}, {"aligned": False, "sampling_ratio": 2, "spatial_scale": 0.5}):
        x = [torch.randn(2, 3, 9, 11, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True) for _ in "ab"]
        ours, theirs = roi_align_plain.roi_align(x[0], rois, (4, 5), **kwargs), torchvision.ops.roi_align(x[1], rois, (4, 5), **kwargs)
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)
        weight = torch.randn(ours.shape, dtype=torch.float64)
        for y in (ours, theirs):
            (y * weight).sum().backward()
        assert torch.allclose(x[0].grad, x[1].grad, rtol=0, atol=1e-12)


def check_loss_counted_by_hand():
    # Cosines 0.6 (matched), 1 (matched, but without a level) of image 0; image 1 has no match: -2 * mean(0.6, 0).
    query = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]] * 2, dtype=torch.float64)
    key = torch.tensor([[[0.6, 0.8], [0.0, 1.0]]] * 2, dtype=torch.float64)
    a = {"ids": torch.tensor([[1, 2], [1, 2]]), "levels": torch.tensor([[0, 1], [0, 1]])}
    b = {"ids": torch.tensor([[1, 2], [3, 4]]), "levels": torch.tensor([[3, -1], [0, 1]])}
    assert abs(float(oracle.directed_loss(query, key, a, b)) + 0.6 / (1 + 1e-6)) < 1e-15


def check_batch_norm_moves():
    """Reference heads: three moves of the backbone, sixteen of the heads; assigned heads: one of each a view."""
    for mode, heads in (("reference", 16), ("assigned", 3)):
        it, batch = training()
        before = it.state()
        it.step(batch, mode, 0.1, 0.99)
        moved = {k: int(v - before[k]) for k, v in it.state().items() if k.endswith("num_batches_tracked")}
        for name, count in moved.items():
            if "fpn_" not in name or mode == "reference":  # assigned: of the FPN what the levels at hand need
                assert count == (3 if "backbone" in name else heads), (mode, name, count)


def check_gradients_by_finite_differences():
    # Images of 64 pixels: at 32 res5 is one pixel an image, and BatchNorm of two numbers is a step function.
    for mode in ("reference", "assigned"):
        for name in ("roi_heads.box_head.fc1.weight", "predictor.fc2.weight", "backbone.fpn_lateral4.weight", "backbone.bottom_up.res5.1.conv2.weight"):
            it, batch = training(1, (64, 64, 64))
            sum(it.losses(batch, mode, 1.0).values()).backward()
            p = dict(it.online.named_parameters())[name]
            start, slope_along = p.data.clone(), torch.randn_like(p)
            slope_along *= start.norm() / slope_along.norm()
            slope = float((p.grad * slope_along).sum())

            def difference(step):
                values = []
                for sign in (1, -1):
                    p.data = start + sign * step * slope_along
                    values.append(float(sum(it.losses(batch, mode, 1.0).values())))  # momentum 1: the target stays
                return (values[0] - values[1]) / (2 * step)

            # A ReLU that turns within a step spoils that step's quotient; a wrong gradient spoils all of them.
            measured = [difference(step) for step in (1e-5, 1e-6)]
            assert min(abs(m - slope) for m in measured) < 1e-6 * abs(slope), (mode, name, measured, slope)


def main():
    torch.set_num_threads(1)
    lines = []
    for name, check in globals().copy().items():
        if name.startswith("check_"):
            check()
            lines.append(f"{name[len('check_'):].replace('_', ' ')}: yes")
    pathlib.Path(sys.argv[1]).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

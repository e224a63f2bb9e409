# SPDX-License-Identifier: MIT
"""A checkpoint of the SoCo release's layout, and what is in it under our names: release_checkpoint.py FOLDER KIND ARCH

KIND: fpn or c4; ARCH: resnet18 or resnet50. Writes zip.pth and legacy.pth (torch.save's two forms) and
expected.safetensors. Both names of each tensor are put together here side by side; values are random. Thin: a sixteenth
of the published widths.
"""
import argparse
import collections
import os
import sys

import torch

from safetensors_io import save

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


class Names:
    """Tensors of one network: release's name, our name, shape; a buffer is no parameter."""

    def __init__(self):
        self.rows = []

    def add(self, theirs, ours, shape, buffer=False):
        self.rows.append((theirs, ours, shape, buffer))

    def norm(self, theirs, ours, width):
        for leaf in ("weight", "bias"):
            self.add(f"{theirs}.{leaf}", f"{ours}.{leaf}", (width,))
        for leaf in ("running_mean", "running_var"):
            self.add(f"{theirs}.{leaf}", f"{ours}.{leaf}", (width,), buffer=True)
        self.add(f"{theirs}.num_batches_tracked", f"{ours}.num_batches_tracked", None, buffer=True)

    def conv_norm(self, conv, norm, ours, out, inner, kernel):
        self.add(f"{conv}.weight", f"{ours}.weight", (out, inner, kernel, kernel))
        self.norm(norm, f"{ours}.norm", out)

    def linear(self, theirs, ours, out, inner):
        self.add(f"{theirs}.weight", f"{ours}.weight", (out, inner))
        self.add(f"{theirs}.bias", f"{ours}.bias", (out,))

    def mlp(self, part, suffix, inner, hidden, out):
        self.linear(f"{part}{suffix}.linear1", f"{part}.fc1", hidden, inner)
        self.norm(f"{part}{suffix}.bn1", f"{part}.norm", hidden)
        self.linear(f"{part}{suffix}.linear2", f"{part}.fc2", out, hidden)


def trunk(names, encoder, kind, arch):
    """`encoder`: the release's part; ours lies below backbone.bottom_up, or for C4 below backbone, res5 in the RoI heads."""
    below = "backbone.bottom_up" if kind == "fpn" else "backbone"
    names.conv_norm(f"{encoder}.conv1", f"{encoder}.bn1", f"{below}.stem.conv1", 4, 3, 7)
    inplanes = 4
    for stage, count in enumerate(BLOCKS[arch]):
        width = 4 << stage
        out = width * (4 if arch == "resnet50" else 1)
        for block in range(count):
            theirs = f"{encoder}.layer{stage + 1}.{block}"
            ours = f"{'roi_heads' if kind == 'c4' and stage == 3 else below}.res{stage + 2}.{block}"
            widths = [(inplanes, width, 1), (width, width, 3), (width, out, 1)] if arch == "resnet50" else [(inplanes, width, 3), (width, out, 3)]
            for i, (a, b, kernel) in enumerate(widths, 1):
                names.conv_norm(f"{theirs}.conv{i}", f"{theirs}.bn{i}", f"{ours}.conv{i}", b, a, kernel)
            if block == 0 and (stage > 0 or inplanes != out):
                names.conv_norm(f"{theirs}.downsample.0", f"{theirs}.downsample.1", f"{ours}.shortcut", out, inplanes, 1)
            inplanes = out
    return inplanes


def network(kind, arch, suffix):
    """The tensors of the online network (suffix "") or of the target ("_k")."""
    names = Names()
    trunk(names, "encoder" + suffix, kind, arch)
    features = 32 * (4 if arch == "resnet50" else 1)
    if kind == "fpn":
        for level in range(4):
            inner = (4 << level) * (4 if arch == "resnet50" else 1)
            lateral = f"neck{suffix}.lateral_convs.{level}"
            names.conv_norm(lateral + ".conv", lateral + ".bn", f"backbone.fpn_lateral{level + 2}", 8, inner, 1)
        for level in range(4):
            output = f"neck{suffix}.fpn_convs.{level}"
            names.conv_norm(output + ".conv", output + ".bn", f"backbone.fpn_output{level + 2}", 8, 8, 3)
        for i in range(1, 5):
            names.conv_norm(f"head{suffix}.conv{i}", f"head{suffix}.bn{i}", f"roi_heads.box_head.conv{i}", 8, 8, 3)
        features = 16
        names.linear(f"head{suffix}.fc1", "roi_heads.box_head.fc1", features, 8 * 49)
    names.mlp("projector", suffix, features, 24, 6)
    if not suffix:
        names.mlp("predictor", suffix, 6, 24, 6)
    return names.rows


def make(kind, arch):
    """The checkpoint as the release saves it, and our name -> tensor."""
    torch.manual_seed(5)
    model, expected, parameters = collections.OrderedDict(), {}, []
    for suffix, side in (("", "online."), ("_k", "target.")):
        for theirs, ours, shape, buffer in network(kind, arch, suffix):
            tensor = torch.randint(1, 1000, ()) if shape is None else torch.randn(shape)
            model["module." + theirs] = tensor
            expected[side + ours] = tensor
            if not suffix and not buffer:
                parameters.append((ours, tensor))
    if kind == "c4":
        model["module.queue"] = torch.nn.functional.normalize(torch.randn(128, 64), dim=0)
        model["module.queue_ptr"] = torch.zeros(1, dtype=torch.long)
    # LARS gets two groups: tensors of one dimension without weight decay, then the others (optim.SGD numbers them so).
    groups = [[p for p in parameters if p[1].dim() == 1], [p for p in parameters if p[1].dim() != 1]]
    sgd = torch.optim.SGD([{"params": [torch.nn.Parameter(t.clone()) for _, t in group], "weight_decay": decay, "ignore": decay == 0}
                           for group, decay in zip(groups, (0, 1e-5))], lr=1.0, momentum=0.9)
    for group, saved in zip(sgd.param_groups, groups):
        for parameter in group["params"]:
            parameter.grad = torch.randn_like(parameter)
    sgd.step()
    for group, saved in zip(sgd.param_groups, groups):
        for parameter, (ours, _) in zip(group["params"], saved):
            expected["optimizer.momentum_buffer.online." + ours] = sgd.state[parameter]["momentum_buffer"]
    scheduler = {"multiplier": 100, "warmup_epoch": 25020, "finished": False, "base_lrs": [4.0, 4.0], "last_epoch": 250200, "_step_count": 250201,
                 "after_scheduler": {"T_max": 225180, "eta_min": 1e-6, "_last_lr": [0.1, 0.1]}}
    opt = argparse.Namespace(arch=arch, model="SoCo_FPN" if kind == "fpn" else "SoCo_C4", cutout_ratio=(0.1, 0.3), epochs=100, zip=True,
                             amp_opt_level="O1", in_channels=[256, 512, 1024, 2048], pretrained_model="")
    amp = collections.OrderedDict(loss_scaler0={"loss_scale": 65536.0, "unskipped": 7})
    return {"opt": opt, "model": model, "optimizer": sgd.state_dict(), "scheduler": scheduler, "epoch": 100, "amp": amp}, expected


def main():
    folder, kind, arch = sys.argv[1:4]
    checkpoint, expected = make(kind, arch)
    torch.save(checkpoint, os.path.join(folder, "zip.pth"))
    torch.save(checkpoint, os.path.join(folder, "legacy.pth"), _use_new_zipfile_serialization=False)
    save(os.path.join(folder, "expected.safetensors"), {name: tensor.numpy() for name, tensor in expected.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())

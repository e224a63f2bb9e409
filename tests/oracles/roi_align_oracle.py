#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""torchvision's RoIAlign, forward and backward, in float64 on random cases: OUT.safetensors with num_cases and, for each
case, case{i}.input, .rois, .params [spatial_scale, pooled_h, pooled_w, sampling_ratio, aligned], .output, .grad_output,
.grad_input."""
import pathlib
import sys

import numpy as np
import torch
from torchvision.ops import roi_align

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import safetensors_io  # noqa: E402


def boxes(generator, kind, count, height, width, scale):
    corners = torch.rand(count, 4, generator=generator, dtype=torch.float64) * torch.tensor([width, height, width, height]) / scale
    first, second = torch.minimum(corners[:, :2], corners[:, 2:]), torch.maximum(corners[:, :2], corners[:, 2:])
    if kind == "outside":  # partly or wholly beyond the map
        first, second = first - width / scale / 2, second + height / scale / 2
    if kind == "tiny":
        second = first + 0.01
    if kind == "whole":
        first, second = first * 0, torch.tensor([[width / scale, height / scale]], dtype=torch.float64).repeat(count, 1)
    return torch.cat([first, second], 1)


def main():
    generator = torch.Generator().manual_seed(1)
    arrays, case = {}, 0
    for kind in ("inside", "outside", "tiny", "whole"):
        for height, width, pooled, ratio, scale in ((12, 17, 7, 0, 1.0), (28, 28, 7, 0, 1.0), (14, 14, 14, 0, 0.0625), (9, 7, 3, 2, 0.5), (1, 1, 7, 0, 1.0)):
            for aligned in (True, False):
                features = torch.randn(2, 3, height, width, generator=generator, dtype=torch.float64, requires_grad=True)
                count = 5
                images = torch.randint(0, 2, (count, 1), generator=generator).double()
                rois = torch.cat([images, boxes(generator, kind, count, height, width, scale)], 1)
                output = roi_align(features, rois, (pooled, pooled), scale, ratio, aligned)
                gradient = torch.randn(output.shape, generator=generator, dtype=torch.float64)
                output.backward(gradient)
                values = {"input": features.detach(), "rois": rois, "output": output.detach(), "grad_output": gradient, "grad_input": features.grad,
                          "params": torch.tensor([scale, pooled, pooled, ratio, float(aligned)], dtype=torch.float64)}
                arrays.update({f"case{case}.{name}": value.numpy() for name, value in values.items()})
                case += 1
    arrays["num_cases"] = np.array([case], np.int64)
    safetensors_io.save(sys.argv[1], arrays)


if __name__ == "__main__":
    main()

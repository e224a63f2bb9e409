# SPDX-License-Identifier: MIT
"""torchvision.ops.roi_align (aligned or not, fixed or adaptive sampling) from PyTorch's own operations, for where torchvision
is not: bilinear samples on a grid are separable, so each axis of each box is a small matrix of weights."""
import math

import torch


def axis_matrix(start, size, pooled, length, sampling_ratio, dtype):
    """[pooled, length]: weights of the cells in the mean of each bin's samples."""
    count = sampling_ratio if sampling_ratio > 0 else max(math.ceil(size / pooled), 0)
    if count == 0:
        return torch.zeros(pooled, length, dtype=dtype)
    bin_size = size / pooled
    t = start + torch.arange(pooled, dtype=dtype)[:, None] * bin_size + (torch.arange(count, dtype=dtype)[None] + 0.5) * bin_size / count
    inside = ((t >= -1) & (t <= length)).to(dtype)
    t = t.clamp(0, length - 1)
    hats = (1 - (t[:, :, None] - torch.arange(length, dtype=dtype)).abs()).clamp_min(0)
    return (hats * inside[:, :, None]).sum(1) / count


def roi_align(x, rois, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
    """x [N, C, H, W], rois [M, 5] (image, x1, y1, x2, y2) -> [M, C, *output_size]."""
    height, width = x.shape[-2:]
    rows, columns = [], []
    for _, x1, y1, x2, y2 in (rois * torch.tensor([1] + 4 * [spatial_scale], dtype=rois.dtype)).tolist():
        shift, least = (0.5, -math.inf) if aligned else (0.0, 1.0)
        columns.append(axis_matrix(x1 - shift, max(x2 - x1, least), output_size[1], width, sampling_ratio, x.dtype))
        rows.append(axis_matrix(y1 - shift, max(y2 - y1, least), output_size[0], height, sampling_ratio, x.dtype))
    rows, columns = torch.stack(rows), torch.stack(columns)
    images = rois[:, 0].long()
    pooled = [None] * len(rois)
    for n in images.unique().tolist():
        index = (images == n).nonzero().flatten()
        lines = torch.einsum("kph,chw->kcpw", rows[index], x[n])
        for i, result in zip(index.tolist(), torch.einsum("kcpw,kqw->kcpq", lines, columns[index])):
            pooled[i] = result
    return torch.stack(pooled)

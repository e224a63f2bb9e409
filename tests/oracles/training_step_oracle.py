#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One SoCo training step in plain PyTorch and torchvision, written from the paper and the facts of the authors' release; and
one of the image-level baselines BYOL and MoCo v2 (architecture "image"), written from their papers.

It is what `soco replay` is compared with: losses by term, every gradient, and parameters, momentum and BatchNorm buffers
after the LARS update and the target's moving average. It is slow and plain on purpose: with reference heads each
(box set, level) is a head call of its own, as in the release.

  training_step_oracle.py --make DIR [--seed S] [shape of the model and batch]       random weights and a random batch
  training_step_oracle.py --weights W --batch B --out O [--dtype float64] [--head-mode assigned] [--lr X] [--momentum M]

Several --batch, --lr or --momentum values make consecutive steps (the shorter lists repeat); O is then written for each
step with its number before the suffix: O.st -> O.0.st, O.1.st, ...
Files are described in docs/testing.md.
"""
import argparse
import pathlib
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import safetensors_io  # noqa: E402

try:
    from torchvision.ops import roi_align
except ImportError:  # training_step_check.py compares the two
    from roi_align_plain import roi_align

# depth -> (bottleneck blocks?, blocks in each of the four stages)
BLOCKS = {18: (False, [2, 2, 2, 2]), 34: (False, [3, 4, 6, 3]), 50: (True, [3, 4, 6, 3]), 101: (True, [3, 4, 23, 3])}
SHAPE = {"architecture": "fpn", "depth": 50, "pooler_resolution": 7, "fpn_channels": 256, "head_num_convs": 4, "head_fc_channels": 1024, "projector_hidden_channels": 4096,
         "projector_out_channels": 256, "projector_norm": "true", "predictor": "true", "loss": "cosine", "directions": "both",
         "temperature": 0.2, "queue_size": 65536}  # of the published SoCo-FPN; SoCo-C4 has architecture c4 and pooler_resolution 14
LEVELS = {"fpn": [-1, 0, 1, 2, 3], "c4": [-1, 0, 0, 0, 0]}  # 0..3: P2..P5, C4 has the one; -1: no level
SOLVER = {"optimizer": "lars", "momentum": 0.9, "weight_decay": 1e-5}


class ConvNorm(nn.Conv2d):
    """Convolution without bias, then BatchNorm registered as `norm` (Detectron2's names)."""

    def __init__(self, channels_in, channels_out, size, stride=1):
        super().__init__(channels_in, channels_out, size, stride, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        return self.norm(super().forward(x))


class Block(nn.Module):
    """Residual block; a bottleneck has its stride on the 3x3 convolution."""

    def __init__(self, bottleneck, channels_in, width, stride):
        super().__init__()
        self.channels_out = width * 4 if bottleneck else width
        if bottleneck:
            self.conv1 = ConvNorm(channels_in, width, 1)
            self.conv2 = ConvNorm(width, width, 3, stride)
            self.conv3 = ConvNorm(width, self.channels_out, 1)
        else:
            self.conv1 = ConvNorm(channels_in, width, 3, stride)
            self.conv2 = ConvNorm(width, width, 3)
        self.bottleneck = bottleneck
        self.shortcut = None
        if stride != 1 or channels_in != self.channels_out:
            self.shortcut = ConvNorm(channels_in, self.channels_out, 1, stride)

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(x)))
        if self.bottleneck:
            y = self.conv3(F.relu(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    def __init__(self, depth, num_stages=4):
        super().__init__()
        bottleneck, counts = BLOCKS[depth]
        self.stem = nn.Module()
        self.stem.conv1 = ConvNorm(3, 64, 7, 2)
        channels, self.channels = 64, []
        self.num_stages = num_stages
        for stage, count in enumerate(counts[:num_stages]):
            blocks = []
            for i in range(count):
                blocks.append(Block(bottleneck, channels, 64 * 2**stage, 2 if stage > 0 and i == 0 else 1))
                channels = blocks[-1].channels_out
            setattr(self, f"res{stage + 2}", nn.Sequential(*blocks))
            self.channels.append(channels)

    def forward(self, x):
        """C2..C5"""
        x = F.max_pool2d(F.relu(self.stem.conv1(x)), 3, 2, 1)
        maps = []
        for stage in range(self.num_stages):
            x = getattr(self, f"res{stage + 2}")(x)
            maps.append(x)
        return maps


class Fpn(nn.Module):
    def __init__(self, depth, channels):
        super().__init__()
        self.bottom_up = ResNet(depth)
        for i, below in enumerate(self.bottom_up.channels):
            setattr(self, f"fpn_lateral{i + 2}", ConvNorm(below, channels, 1))
            setattr(self, f"fpn_output{i + 2}", ConvNorm(channels, channels, 3))

    def forward(self, x, levels):
        """{level: map} of the levels asked for. What none of them needs is not run: output convolutions of other levels, and
        lateral ones of finer levels."""
        below = self.bottom_up(x)
        merged = {i: getattr(self, f"fpn_lateral{i + 2}")(below[i]) for i in range(min(levels), 4)}
        for i in reversed(range(min(levels), 3)):
            merged[i] = merged[i] + F.interpolate(merged[i + 1], size=merged[i].shape[-2:], mode="nearest")
        return {i: getattr(self, f"fpn_output{i + 2}")(merged[i]) for i in sorted(levels)}


class ResNetC4(ResNet):
    """The map of stride 16, as level 0."""

    def __init__(self, depth):
        super().__init__(depth, num_stages=3)

    def forward(self, x, levels):
        assert set(levels) == {0}
        return {0: super().forward(x)[-1]}


class ResNetC5(nn.Module):
    """The last map, of stride 32, as level 0."""

    def __init__(self, depth):
        super().__init__()
        self.bottom_up = ResNet(depth)

    def forward(self, x, levels):
        assert set(levels) == {0}
        return {0: self.bottom_up(x)[-1]}


class GlobalPool(nn.Module):
    def forward(self, x):
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class Res5(nn.Sequential):
    """ResNet's last stage on pooled boxes, then the mean over the cells."""

    def __init__(self, depth):
        bottleneck, counts = BLOCKS[depth]
        blocks = [Block(bottleneck, 1024 if bottleneck else 256, 512, 2)]
        blocks += [Block(bottleneck, blocks[0].channels_out, 512, 1) for _ in range(counts[3] - 1)]
        super().__init__(*blocks)

    def forward(self, x):
        return super().forward(x).mean((2, 3))


class BoxHead(nn.Module):
    def __init__(self, channels, num_convs, fc_channels, resolution):
        super().__init__()
        self.num_convs = num_convs
        for i in range(num_convs):
            setattr(self, f"conv{i + 1}", ConvNorm(channels, channels, 3))
        self.fc1 = nn.Linear(channels * resolution**2, fc_channels)

    def forward(self, x):
        for i in range(self.num_convs):
            x = F.relu(getattr(self, f"conv{i + 1}")(x))
        return F.relu(self.fc1(x.flatten(1)))


class Mlp(nn.Module):
    def __init__(self, channels_in, hidden, channels_out, norm):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels_in, hidden), nn.Linear(hidden, channels_out)
        self.norm = nn.BatchNorm1d(hidden) if norm else nn.Identity()

    def forward(self, x):
        return self.fc2(F.relu(self.norm(self.fc1(x))))


class Network(nn.Module):
    def __init__(self, shape, predicts):
        super().__init__()
        hidden, out = shape["projector_hidden_channels"], shape["projector_out_channels"]
        norm = shape["projector_norm"] == "true"
        self.num_levels, self.resolution = 1, shape["pooler_resolution"]
        self.roi_heads = nn.Module()
        if shape["architecture"] == "image":
            self.backbone, self.resolution = ResNetC5(shape["depth"]), None
            self.roi_heads.global_pool = GlobalPool()
            head_channels = self.backbone.bottom_up.channels[-1]
        elif shape["architecture"] == "c4":
            self.backbone = ResNetC4(shape["depth"])
            self.roi_heads.res5 = Res5(shape["depth"])
            head_channels = self.roi_heads.res5[-1].channels_out
        else:
            self.backbone, self.num_levels = Fpn(shape["depth"], shape["fpn_channels"]), 4
            head_channels = shape["head_fc_channels"]
            self.roi_heads.box_head = BoxHead(shape["fpn_channels"], shape["head_num_convs"], head_channels, self.resolution)
        self.projector = Mlp(head_channels, hidden, out, norm)
        self.predictor = Mlp(out, hidden, out, norm) if predicts and shape["predictor"] == "true" else None

    def head(self, pooled):
        """Unit vectors [M, D] of pooled boxes [M, C, r, r]."""
        (roi_head,) = self.roi_heads.children()
        y = self.projector(roi_head(pooled))
        return F.normalize(y if self.predictor is None else self.predictor(y), dim=1)


def pool(features, boxes, images, resolution):
    """RoIAlign (half-pixel aligned, adaptive sampling) of boxes [M, 4] in [0, 1], each from its image's map; without a
    resolution its image's map itself."""
    if resolution is None:
        return features[images]
    height, width = features.shape[-2:]
    scale = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    rois = torch.cat([images[:, None].to(boxes.dtype), boxes * scale], 1)
    return roi_align(features, rois, (resolution, resolution), spatial_scale=1.0, sampling_ratio=-1, aligned=True)


def reference_vectors(network, maps, sides, images):
    """One head call per (side, level), sides in pair order, P2 first; of the four vectors of a box its level's is taken.
    A box without a level gets any (it never matches)."""
    result = []
    for side in sides:
        boxes, levels = side["boxes"].reshape(-1, 4), side["levels"].flatten()
        every = torch.stack([network.head(pool(maps[level], boxes, images, network.resolution)) for level in range(network.num_levels)])
        result.append(every[levels.clamp(min=0), torch.arange(len(levels), device=levels.device)])
    return result


def assigned_vectors(network, maps, sides, images):
    """One head call over all boxes of all sides of a view, each box pooled from its own level alone."""
    boxes = torch.cat([side["boxes"].reshape(-1, 4) for side in sides])
    levels = pool_levels(sides, network)
    images = images.repeat(len(sides))
    pooled = torch.cat([pool(maps[int(level)], boxes[i:i + 1], images[i:i + 1], network.resolution) for i, level in enumerate(levels)])
    return network.head(pooled).chunk(len(sides))


def pool_levels(sides, network):
    """Levels the boxes of `sides` are pooled from with assigned heads: the coarsest for those without one."""
    levels = torch.cat([side["levels"].flatten() for side in sides])
    return torch.where(levels < 0, torch.full_like(levels, network.num_levels - 1), levels)


def embed(network, batch, head_mode, which="ab"):
    """{(pair, "a" or "b"): unit vectors [N, K, D]} of a network's pass over the views that have such sides, view after view."""
    result = {}
    for v, view in enumerate(batch["views"]):
        keys = [(p, s) for p, pair in enumerate(batch["pairs"]) for s in which if pair[s]["view"] == v]
        if not keys:
            continue
        sides = [batch["pairs"][p][s] for p, s in keys]
        n, k = sides[0]["ids"].shape
        images = torch.arange(n, device=view.device).repeat_interleave(k)
        if head_mode == "reference":
            vectors = reference_vectors(network, network.backbone(view, range(network.num_levels)), sides, images)
        else:
            maps = network.backbone(view, set(pool_levels(sides, network).tolist()))
            vectors = assigned_vectors(network, maps, sides, images)
        result.update({key: y.reshape(n, k, -1) for key, y in zip(keys, vectors)})
    return result


def directed_loss(query, key, query_side, key_side):
    """-2 * mean over images of (sum of the matches' cosines / (number of matches + 1e-6)); boxes match when their ids are
    equal and both have a level."""
    match = query_side["ids"][:, :, None] == key_side["ids"][:, None, :]
    match = match & (query_side["levels"][:, :, None] >= 0) & (key_side["levels"][:, None, :] >= 0)
    match = match.to(query.dtype)
    cosine = torch.einsum("nid,njd->nij", query, key)
    return -2 * ((cosine * match).sum((1, 2)) / (match.sum((1, 2)) + 1e-6)).mean()


def info_nce(query, key, queue, temperature):
    """MoCo's loss (He et al. 2020, algorithm 1): each query's key is class 0 among the queue's."""
    positive = (query * key).sum(1, keepdim=True)
    logits = torch.cat([positive, query @ queue.t()], 1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))


class Training:
    """Online and target network with their optimiser, and MoCo's queue where there is one, moved by `step`."""

    def __init__(self, shape, dtype, weights=None, solver=SOLVER):
        self.dtype, self.shape, self.solver = dtype, shape, solver
        self.queue = None
        if shape["loss"] == "info_nce":
            self.queue = torch.from_numpy(np.array(weights["queue.keys"])).to(dtype)
            self.next = int(weights["queue.next"])
        self.online, self.target = Network(shape, True), Network(shape, False)
        for network, prefix in ((self.online, "online."), (self.target, "target.")):
            if weights is not None:
                network.load_state_dict({k[len(prefix):]: torch.from_numpy(np.array(v)) for k, v in weights.items() if k.startswith(prefix)})
            network.to(dtype).train()
        self.velocity = {}
        for name, p in self.online.named_parameters():
            old = (weights or {}).get("optimizer.momentum_buffer.online." + name)
            self.velocity[name] = torch.zeros_like(p.data) if old is None else torch.from_numpy(np.array(old)).to(dtype)

    def read_batch(self, arrays):
        real = lambda name: torch.from_numpy(np.array(arrays[name])).to(self.dtype)  # noqa: E731
        whole = lambda name: torch.from_numpy(np.array(arrays[name])).long()  # noqa: E731
        views = [real(f"views.{v}") for v in range(sum(name.startswith("views.") for name in arrays))]
        pairs = []
        while f"pairs.{len(pairs)}.views" in arrays:
            at = f"pairs.{len(pairs)}."
            pairs.append({s: {"view": int(view), "boxes": real(f"{at}{s}.boxes"), "ids": whole(f"{at}{s}.ids"),
                              "levels": whole(f"{at}{s}.levels")} for s, view in zip("ab", arrays[at + "views"])})
        return {"views": views, "pairs": pairs}

    @torch.no_grad()
    def move_target(self, momentum):
        """Parameters alone: the target's BatchNorm buffers are its own."""
        online = dict(self.online.named_parameters())
        for name, p in self.target.named_parameters():
            p.data = momentum * p.data + (1 - momentum) * online[name].data

    @torch.no_grad()
    def enqueue(self, keys):
        """The oldest make room."""
        for key in keys:
            self.queue[self.next] = key
            self.next = (self.next + 1) % len(self.queue)

    @torch.no_grad()
    def update(self, lr, trust=0.001, eps=1e-8):
        """LARS, or SGD (decay of every parameter, no trust ratio). LARS: a weight no loss term reaches has a zero gradient,
        hence its decay term alone, scaled like any other."""
        momentum, decay = self.solver["momentum"], self.solver["weight_decay"]
        for name, p in self.online.named_parameters():
            g = torch.zeros_like(p) if p.grad is None else p.grad
            if self.solver["optimizer"] == "sgd":
                g = g + decay * p
            elif p.ndim > 1:
                g = g + decay * p
                if p.norm() > 0 and g.norm() > 0:
                    g = g * (trust * p.norm() / (g.norm() + eps))
            self.velocity[name] = momentum * self.velocity[name] + g
            p.data = p.data - lr * self.velocity[name]

    def losses(self, batch, head_mode, ema_momentum):
        """{name: directed loss}; the target moves after the online passes and before its own."""
        both = self.shape["directions"] == "both"
        predictions = embed(self.online, batch, head_mode, "ab" if both else "a")
        self.move_target(ema_momentum)
        with torch.no_grad():
            projections = embed(self.target, batch, head_mode, "ab" if both else "b")
        if self.queue is not None:
            return self.queue_losses(predictions, projections)
        terms = {}
        for p, pair in enumerate(batch["pairs"]):
            terms[f"loss.pair{p}.a_to_b"] = directed_loss(predictions[p, "a"], projections[p, "b"], pair["a"], pair["b"])
            if both:
                terms[f"loss.pair{p}.b_to_a"] = directed_loss(predictions[p, "b"], projections[p, "a"], pair["b"], pair["a"])
        return terms

    def queue_losses(self, predictions, projections):
        """MoCo v2: one whole-view box an image, so box 0 of a is box 0 of b. The keys join the queue after the losses."""
        queue, temperature, terms = self.queue.clone(), self.shape["temperature"], {}
        for p, s in predictions:
            other = "b" if s == "a" else "a"
            terms[f"loss.pair{p}.{s}_to_{other}"] = info_nce(predictions[p, s][:, 0], projections[p, other][:, 0], queue, temperature)
        for projection in projections.values():
            self.enqueue(projection.flatten(0, 1))
        return terms

    def train(self, batch, head_mode, lr, ema_momentum):
        """Moves everything by one step; (loss, its terms). The loss gradients stay on the online parameters."""
        terms = self.losses(batch, head_mode, ema_momentum)
        loss = sum(terms.values())
        self.online.zero_grad(set_to_none=True)
        loss.backward()
        self.update(lr)
        return loss.detach(), {name: term.detach() for name, term in terms.items()}

    def step(self, batch, head_mode, lr, ema_momentum):
        """`train`, giving {name: array} of losses and gradients."""
        loss, terms = self.train(batch, head_mode, lr, ema_momentum)
        out = {name: term.numpy() for name, term in {"loss": loss, **terms}.items()}
        for name, p in self.online.named_parameters():
            out["grad.online." + name] = (torch.zeros_like(p) if p.grad is None else p.grad).numpy().copy()
        return out

    def state(self):
        """Everything a next step needs, by the names of a weights file."""
        state = {prefix + k: v.numpy().copy() for prefix, network in (("online.", self.online), ("target.", self.target))
                 for k, v in network.state_dict().items()}
        if self.queue is not None:
            state.update({"queue.keys": self.queue.numpy().copy(), "queue.next": np.array(self.next, np.int64)})
        return {**state, **{"optimizer.momentum_buffer.online." + k: v.numpy().copy() for k, v in self.velocity.items()}}


def random_weights(shape, rng, zero_gammas, momentum):
    """PyTorch's initial weights with lively BatchNorm; with `zero_gammas` half of the blocks' last BatchNorm weights are all
    zero, as all of them are at the start, so that the weights before them get no gradient. (Zeroing another one would leave
    constant maps, whose normalisation is rounding alone.)"""
    last = ".conv3.norm.weight" if BLOCKS[shape["depth"]][0] else ".conv2.norm.weight"
    weights = {}
    for prefix, predicts in (("online.", True), ("target.", False)):
        for name, value in Network(shape, predicts).state_dict().items():
            value = value.numpy().copy()
            if name.endswith("running_mean") or name.endswith("norm.bias"):
                value = rng.normal(0, 0.1, value.shape).astype(np.float32)
            elif name.endswith("running_var"):
                value = rng.uniform(0.5, 2, value.shape).astype(np.float32)
            elif name.endswith("norm.weight"):
                zero = zero_gammas and ".res" in name and name.endswith(last) and rng.integers(2) == 0
                value = (0 if zero else 1) * rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
            elif name.endswith("num_batches_tracked"):
                value = np.array(rng.integers(0, 100), np.int64)
            weights[prefix + name] = value
    if shape["loss"] == "info_nce":
        keys = rng.normal(0, 1, (shape["queue_size"], shape["projector_out_channels"]))
        weights["queue.keys"] = (keys / np.linalg.norm(keys, axis=1, keepdims=True)).astype(np.float32)
        weights["queue.next"] = np.array(shape["queue_size"] - 4, np.int64)  # a few steps from its end
    if momentum:
        for name in [k for k in weights if k.startswith("online.") and "running" not in k and "tracked" not in k]:
            weights["optimizer.momentum_buffer." + name] = rng.normal(0, 1e-3, weights[name].shape).astype(np.float32)
    return weights


def random_batch(rng, num_images, sizes, levels, num_boxes=4):
    """Views of the given sizes (64 or more, and three images or more, keep BatchNorm on C5 away from a handful of values, whose
    gradients are rounding); pairs of view 0 with each of the others. Image 0 has no match in pair 0; image 1 repeats an
    id; some boxes have no level; image 0's first box is the whole view and its last one is a speck."""
    batch = {f"views.{v}": rng.normal(0, 1, (num_images, 3, size, size)).astype(np.float32) for v, size in enumerate(sizes)}
    for p in range(len(sizes) - 1):
        batch[f"pairs.{p}.views"] = np.array([0, p + 1], np.int64)
        for s in "ab":
            corners = np.sort(rng.uniform(0, 1, (num_images, num_boxes, 2, 2)), axis=2)
            corners[:, :, 1] = np.clip(corners[:, :, 1], corners[:, :, 0] + 0.1, None)
            boxes = np.clip(corners.reshape(num_images, num_boxes, 4), 0, 1)
            boxes[0, 0], boxes[0, -1] = (0, 0, 1, 1), (0.5, 0.5, 0.5005, 0.501)
            ids = np.stack([rng.permutation(num_boxes) + 1 for _ in range(num_images)]).astype(np.int64)
            ids[1 % num_images, 1] = ids[1 % num_images, 0]
            if p == 0 and s == "b":
                ids[0] += 100
            batch[f"pairs.{p}.{s}.boxes"] = boxes.astype(np.float32)
            batch[f"pairs.{p}.{s}.ids"] = ids
            batch[f"pairs.{p}.{s}.levels"] = rng.choice(levels, (num_images, num_boxes), p=[0.1, 0.2, 0.3, 0.3, 0.1]).astype(np.int64)
    return batch


def whole_views_batch(rng, num_images, sizes):
    """The batch of the image-level baselines: one box an image and view, the whole of it."""
    batch = {f"views.{v}": rng.normal(0, 1, (num_images, 3, size, size)).astype(np.float32) for v, size in enumerate(sizes)}
    for p in range(len(sizes) - 1):
        batch[f"pairs.{p}.views"] = np.array([0, p + 1], np.int64)
        for s in "ab":
            batch[f"pairs.{p}.{s}.boxes"] = np.tile(np.array([0, 0, 1, 1], np.float32), (num_images, 1, 1))
            batch[f"pairs.{p}.{s}.ids"] = np.ones((num_images, 1), np.int64)
            batch[f"pairs.{p}.{s}.levels"] = np.zeros((num_images, 1), np.int64)
    return batch


def make_batch(architecture, rng, num_images, sizes):
    return whole_views_batch(rng, num_images, sizes) if architecture == "image" else random_batch(rng, num_images, sizes, LEVELS[architecture])


def solver_of(args):
    return {"optimizer": args.optimizer, "momentum": SOLVER["momentum"], "weight_decay": args.weight_decay}


def shape_of(args):
    return {name: getattr(args, name) for name in SHAPE}


def make(args):
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    args.make.mkdir(parents=True, exist_ok=True)
    weights = random_weights(shape_of(args), rng, not args.no_zero_gammas, not args.no_momentum)
    safetensors_io.save(args.make / "weights.safetensors", weights)
    for i in range(args.num_batches):
        name = "batch.safetensors" if args.num_batches == 1 else f"batch.{i}.safetensors"
        batch = make_batch(args.architecture, rng, args.num_images, args.sizes)
        safetensors_io.save(args.make / name, batch)


def run(args):
    training = Training(shape_of(args), getattr(torch, args.dtype), safetensors_io.load(args.weights), solver_of(args))
    steps = max(len(args.batch), len(args.lr), len(args.momentum))
    for i in range(steps):
        batch = training.read_batch(safetensors_io.load(args.batch[i % len(args.batch)]))
        out = training.step(batch, args.head_mode, args.lr[i % len(args.lr)], args.momentum[i % len(args.momentum)])
        out.update({"after." + name: array for name, array in training.state().items()})
        path = args.out if steps == 1 else args.out.with_name(f"{args.out.stem}.{i}{args.out.suffix}")
        safetensors_io.save(path, out)


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-images", type=int, default=3)
    parser.add_argument("--num-batches", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 96, 64], help="view sizes")
    parser.add_argument("--no-zero-gammas", action="store_true")
    parser.add_argument("--no-momentum", action="store_true", help="weights file without momentum buffers")
    parser.add_argument("--weights", type=pathlib.Path)
    parser.add_argument("--batch", type=pathlib.Path, nargs="+")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--head-mode", default="reference", choices=["reference", "assigned"])
    parser.add_argument("--lr", type=float, nargs="+", default=[0.1])
    parser.add_argument("--momentum", type=float, nargs="+", default=[0.99], help="of the target's moving average")
    parser.add_argument("--optimizer", default="lars", choices=["lars", "sgd"])
    parser.add_argument("--weight-decay", type=float, default=SOLVER["weight_decay"])
    for name, default in SHAPE.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    args = parser.parse_args([str(word) for word in words] if words is not None else None)
    torch.set_num_threads(1)
    make(args) if args.make else run(args)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""torchvision's ResNet-18 and ResNet-50 with random weights and lively BatchNorm statistics: OUT_DIR/resnet{18,50}.safetensors
with "w.<our name below the backbone>", "input" [2,3,64,64] and "output.eval.c2" .. "c5"."""
import pathlib
import re
import sys

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import safetensors_io  # noqa: E402


def our_name(name):
    name = re.sub(r"^conv1\.", "stem.conv1.", name)
    name = re.sub(r"^bn1\.", "stem.conv1.norm.", name)
    name = re.sub(r"^layer(\d)", lambda m: f"res{int(m.group(1)) + 1}", name)
    name = name.replace("downsample.0.", "shortcut.").replace("downsample.1.", "shortcut.norm.")
    return re.sub(r"(\.\d+)\.bn(\d)\.", r"\1.conv\2.norm.", name)


def main():
    for depth in (18, 50):
        torch.manual_seed(depth)
        net = getattr(torchvision.models, f"resnet{depth}")().eval()
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.data.uniform_(0.5, 1.5)
                module.bias.data.normal_(0, 0.1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        x = torch.randn(2, 3, 64, 64)
        arrays = {"w." + our_name(k): v.numpy() for k, v in net.state_dict().items() if not k.startswith("fc.")}
        arrays["input"] = x.numpy()
        with torch.no_grad():
            y = net.maxpool(net.relu(net.bn1(net.conv1(x))))
            for i in range(1, 5):
                y = getattr(net, f"layer{i}")(y)
                arrays[f"output.eval.c{i + 1}"] = y.numpy()
        safetensors_io.save(pathlib.Path(sys.argv[1]) / f"resnet{depth}.safetensors", {k: np.array(v) for k, v in arrays.items()})


if __name__ == "__main__":
    main()

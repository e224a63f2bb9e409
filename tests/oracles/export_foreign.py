# SPDX-License-Identifier: MIT
"""Writes files of weights as other programs do, for the C++ reader: export_foreign.py OUTPUT_FOLDER.

Every file holds the tensors of `tensors()`, which tests/export/python_test.cpp repeats by hand.
"""
import argparse
import collections
import os
import pickle
import sys

import numpy as np

try:
    import torch
except ImportError:
    torch = None


def write_torch(folder):
    base = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    tensors = collections.OrderedDict(
        weight=torch.nn.Parameter(base.clone()),
        transposed=base.t(),
        row=base[1],
        count=torch.tensor(7),
        half=torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        mask=torch.tensor([True, False]),
        empty=torch.zeros(0, 4))
    content = {
        "model": tensors, "epoch": 3, "rate": 0.1, "name": "grün", "big": 2**40, "negative": -5, "none": None,
        "opt": argparse.Namespace(batch_size=4, crop="x"), "size": base.shape, "dtype": torch.float16,
        "nested": {"list": [1, (2, [True])]}, "history": [0.5] * 2000,
    }
    torch.save(content, os.path.join(folder, "zip.pth"))
    torch.save(content, os.path.join(folder, "legacy.pth"), _use_new_zipfile_serialization=False)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    with torch.no_grad():
        module[0].weight.copy_(torch.arange(18.0).reshape(2, 1, 3, 3))
    torch.save(module.state_dict(), os.path.join(folder, "module.pth"))
    torch.save({"optimizer": torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9).state_dict()},
               os.path.join(folder, "optimizer.pth"))
    torch.save(module, os.path.join(folder, "whole_module.pth"))  # holds classes: to be refused


def write_numpy(folder):
    content = {
        "model": {"weight": np.arange(6, dtype=np.float32).reshape(2, 3),
                  "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
                  "count": np.array(7), "bytes": np.array([1, 255], dtype=np.uint8)},
        "__author__": "someone", "matching_heuristics": True, "score": np.float64(0.25), "step": np.int64(9),
    }
    for protocol in range(2, 6):
        with open(os.path.join(folder, f"protocol{protocol}.pkl"), "wb") as file:
            pickle.dump(content, file, protocol=protocol)


def main():
    write_numpy(sys.argv[1])
    if torch is not None:
        write_torch(sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())

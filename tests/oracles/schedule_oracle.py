#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Learning-rate curves by PyTorch's own schedulers composed as the authors' release composes them (a gradual warm-up around
CosineAnnealingLR, both on one optimiser, stepped after each iteration), and the target's momentum curve.

OUT.safetensors holds "lr.{i}", float64, the rate each step trains with, with "lr.{i}.params" [lr, steps_per_epoch, epochs,
warmup_epochs, warm-up divisor, final_lr]; "momentum.{i}" with "momentum.{i}.params" [m0, K]."""
import math
import pathlib
import sys
import warnings

import numpy as np
import torch
from torch.optim import lr_scheduler

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import safetensors_io  # noqa: E402

# The class that schedulers derive from has this name in PyTorch 1.x and a public one in 2.x.
Scheduler = getattr(lr_scheduler, "LRScheduler", None) or lr_scheduler._LRScheduler


class GradualWarmup(Scheduler):
    """Linear from lr / divisor to lr over `length` steps; past them `after` sets the rate, counting from the warm-up's end."""

    def __init__(self, optimizer, divisor, length, after):
        self.divisor, self.length, self.after = divisor, length, after
        super().__init__(optimizer)

    def get_lr(self):
        share = self.last_epoch / self.length
        return [lr / self.divisor * ((self.divisor - 1) * share + 1) for lr in self.base_lrs]

    def step(self, epoch=None):
        if self.last_epoch + 1 > self.length:
            self.last_epoch += 1
            self.after.step(self.last_epoch - self.length)
        else:
            super().step()


def learning_rates(lr, steps_per_epoch, epochs, warmup_epochs, divisor, final_lr):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    total, warmup = steps_per_epoch * epochs, round(warmup_epochs * steps_per_epoch)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=final_lr)
    if warmup > 0:
        scheduler = GradualWarmup(optimizer, divisor, warmup, scheduler)
    rates = []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates, np.float64)


def main():
    warnings.simplefilter("ignore")  # PyTorch advises against step(epoch), which is what is reproduced here
    arrays = {}
    for i, case in enumerate([(1.0, 50, 100, 10, 100, 1e-6), (8.0, 7, 30, 3, 100, 1e-6), (0.3, 11, 12, 0, 100, 1e-3), (2.0, 5, 9, 2.4, 100, 0.0)]):
        arrays[f"lr.{i}"] = learning_rates(*case)
        arrays[f"lr.{i}.params"] = np.array(case, np.float64)
    for i, (m0, steps) in enumerate([(0.99, 1000), (0.996, 37), (0.0, 5)]):
        arrays[f"momentum.{i}"] = np.array([1 - (1 - m0) * (math.cos(math.pi * k / steps) + 1) / 2 for k in range(steps)])
        arrays[f"momentum.{i}.params"] = np.array([m0, steps], np.float64)
    safetensors_io.save(sys.argv[1], arrays)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""What a recipe's file says about a training step, for `soco replay` and for training_step_oracle.py."""
import pathlib
import tomllib

import training_step_oracle as oracle

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"


class RecipeCase:
    """Keys of [model] and [solver], the sizes of the views (pairs are of view 0 with each other one) and the level thresholds;
    `model` goes over what the recipe says."""

    def __init__(self, recipe, **model):
        text = tomllib.loads((RECIPES / f"{recipe}.toml").read_text())
        pairs = [(pair["a"], pair["b"]) for pair in text["plan"]["pairs"]]
        assert pairs == [(0, v) for v in range(1, len(text["plan"]["views"]))], pairs
        self.sizes = [view["size"] for view in text["plan"]["views"]]
        self.thresholds = text["plan"]["level_thresholds"]
        self.model = {"architecture": "fpn", "head_mode": "reference", **text["model"], **model}
        self.solver = {key: text["solver"][key] for key in oracle.SOLVER}

    @property
    def head_mode(self):
        return self.model["head_mode"]

    def keys(self):
        """Words for `soco replay`."""
        return [f"{section}.{key}={text_of(value)}" for section, values in (("model", self.model), ("solver", self.solver))
                for key, value in values.items()]

    def shape(self):
        """The oracle's model."""
        known = {key: text_of(value) if isinstance(value, bool) else value for key, value in self.model.items() if key in oracle.SHAPE}
        return {**oracle.SHAPE, **known, "depth": int(self.model["backbone"].removeprefix("resnet"))}

    def __eq__(self, other):
        return vars(self) == vars(other)


def text_of(value):
    return str(value).lower() if isinstance(value, bool) else str(value)

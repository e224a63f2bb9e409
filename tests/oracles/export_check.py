# SPDX-License-Identifier: MIT
"""Loads exported weights the way their consumers do and compares every value with the safetensors source.

    export_check.py --source model.safetensors [--detectron2 FILE ...] [--mmdetection FILE]
                    [--mmdetection-backbone FILE] [--torchvision FILE --arch resnet18]

The maps below are written down from the consumers' and the release converters' names, apart from the C++ tables.
Checks whose package is missing are named as skipped. Exit code 0: all that ran passed.
"""
import argparse
import json
import pickle
import re
import sys
import warnings

import numpy as np

try:
    import torch
except ImportError:
    torch = None
try:
    import torchvision
except ImportError:
    torchvision = None
try:
    import safetensors
    import safetensors.numpy
    if torch is not None:
        import safetensors.torch
except ImportError:
    safetensors = None

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1",
          "BOOL": "?"}


def read_source(path):
    """A plain reading of the safetensors format."""
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(content[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def trunk_in_torchvision_names(name):
    name = name.replace("stem.conv1.norm", "bn1").replace("stem.conv1", "conv1")
    name = re.sub(r"^res(\d)", lambda m: f"layer{int(m[1]) - 1}", name)
    name = re.sub(r"conv(\d)\.norm", r"bn\1", name)
    return name.replace("shortcut.norm", "downsample.1").replace("shortcut", "downsample.0")


def expected_names(ours, consumer):
    """The consumer's name for one of ours; None where it has none."""
    trunk, fpn, head = "backbone.bottom_up.", "backbone.fpn_", "roi_heads.box_head."
    if ours.startswith(("projector.", "predictor.")):
        return None
    if consumer == "detectron2":
        return re.sub(r"^(backbone\.bottom_up\.|backbone\.|roi_heads\.)", "", ours)
    if ours.startswith(trunk):
        return {"torchvision": "", "mmdetection": "backbone.", "mmdetection-backbone": "backbone."}[consumer] + \
            trunk_in_torchvision_names(ours[len(trunk):])
    if consumer != "mmdetection":
        return None
    if ours.startswith(fpn):
        kind, level, rest = re.match(r"(lateral|output)(\d)\.(.*)", ours[len(fpn):]).groups()
        module = {"lateral": "lateral_convs", "output": "fpn_convs"}[kind]
        rest = rest.replace("norm.", "bn.") if rest.startswith("norm.") else "conv." + rest
        return f"neck.{module}.{int(level) - 2}.{rest}"
    kind, number, rest = re.match(r"(conv|fc)(\d)\.(.*)", ours[len(head):]).groups()
    if kind == "fc":
        return f"roi_head.bbox_head.shared_fcs.{int(number) - 1}.{rest}"
    rest = rest.replace("norm.", "bn.") if rest.startswith("norm.") else "conv." + rest
    return f"roi_head.bbox_head.shared_convs.{int(number) - 1}.{rest}"


class Report:
    def __init__(self):
        self.failed = False

    def check(self, what, passed, detail=""):
        print(f"{'ok' if passed else 'FAILED'}: {what}{' ' + detail if not passed else ''}")
        self.failed |= not passed

    def skip(self, what, why):
        print(f"skipped: {what} ({why})")


def compare(report, what, source, found, consumer):
    wanted = {expected_names(ours, consumer): value for ours, value in source.items()}
    wanted.pop(None, None)
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    report.check(f"{what}: {len(wanted)} names", not missing and not extra, f"missing {missing[:3]}, extra {extra[:3]}")
    different = [name for name in wanted.keys() & found.keys()
                 if wanted[name].dtype != found[name].dtype or wanted[name].shape != found[name].shape
                 or wanted[name].tobytes() != np.ascontiguousarray(found[name]).tobytes()]
    report.check(f"{what}: values equal bit for bit", not different, f"{different[:3]}")


def to_numpy(tensors):
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def load_torch(path):
    """As a careful consumer: without running what the file may hold."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return torch.load(path, map_location="cpu", weights_only=True)


def check_pickle(report, path, source):
    for encoding in ("ASCII", "latin1"):
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            content = pickle.load(file, encoding=encoding)
        keys = content["__author__"] == "soco" and content["matching_heuristics"] is True and len(content) == 3
        report.check(f"{path}: detectron2 keys, encoding {encoding}", keys)
        plain = all(type(value) is np.ndarray for value in content["model"].values())
        report.check(f"{path}: all values are arrays", plain)
        compare(report, path, source, content["model"], "detectron2")


def check_detectron2(report, path, source):
    if path.endswith(".pkl"):
        check_pickle(report, path, source)
        return
    if torch is None:
        report.skip(path, "no torch")
        return
    content = load_torch(path)
    report.check(f"{path}: detectron2 keys", content["__author__"] == "soco" and content["matching_heuristics"] is True)
    compare(report, path, source, to_numpy(content["model"]), "detectron2")


def check_mmdetection(report, path, source, consumer):
    if torch is None:
        report.skip(path, "no torch")
        return
    content = load_torch(path)
    report.check(f"{path}: mmdetection keys", list(content) == ["state_dict", "meta"] and content["meta"] == {})
    compare(report, path, source, to_numpy(content["state_dict"]), consumer)


def check_torchvision(report, path, source, arch):
    if torch is None:
        report.skip(path, "no torch")
        return
    state = load_torch(path)
    compare(report, path, source, to_numpy(state), "torchvision")
    if torchvision is None:
        report.skip(f"{path}: load_state_dict", "no torchvision")
        return
    model = getattr(torchvision.models, arch)(weights=None)
    model.fc = torch.nn.Identity()
    try:
        model.load_state_dict(state, strict=True)
        loaded = all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        report.check(f"{path}: {arch}.load_state_dict(strict=True)", loaded)
    except RuntimeError as error:
        report.check(f"{path}: {arch}.load_state_dict(strict=True)", False, str(error)[:500])


def check_safetensors(report, path, source):
    if safetensors is None:
        report.skip(f"{path}: safetensors package", "not installed")
        return
    found = safetensors.numpy.load_file(path)
    same = found.keys() == source.keys() and all(
        found[name].dtype == source[name].dtype and found[name].shape == source[name].shape
        and found[name].tobytes() == source[name].tobytes() for name in found)
    report.check(f"{path}: safetensors package", same)
    with safetensors.safe_open(path, framework="np") as file:
        report.check(f"{path}: metadata format", file.metadata().get("format") == "pt")
    if torch is None:
        report.skip(f"{path}: safetensors.torch", "no torch")
        return
    loaded = safetensors.torch.load_file(path)
    report.check(f"{path}: safetensors.torch", all(loaded[name].numpy().tobytes() == source[name].tobytes()
                                                   for name in source))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--detectron2", action="append", default=[])
    parser.add_argument("--mmdetection")
    parser.add_argument("--mmdetection-backbone")
    parser.add_argument("--torchvision")
    parser.add_argument("--arch", default="resnet50")
    options = parser.parse_args()
    report = Report()
    print(f"numpy {np.__version__}, torch {torch.__version__ if torch else 'missing'}")
    source = read_source(options.source)
    check_safetensors(report, options.source, source)
    for path in options.detectron2:
        check_detectron2(report, path, source)
    if options.mmdetection:
        check_mmdetection(report, options.mmdetection, source, "mmdetection")
    if options.mmdetection_backbone:
        check_mmdetection(report, options.mmdetection_backbone, source, "mmdetection-backbone")
    if options.torchvision:
        check_torchvision(report, options.torchvision, source, options.arch)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

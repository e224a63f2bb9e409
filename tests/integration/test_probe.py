# SPDX-License-Identifier: MIT
"""`soco probe` against PyTorch and numpy: features of labelled boxes and images through the oracle's network and
torchvision's RoIAlign, both classifiers by their definitions; and the same judging during training."""
import json
import sys
import unittest

from common import SMALL_RUN, ScratchTest, enter_oracle_python, metrics, newest_checkpoint, run, tensors

if __name__ == "__main__":
    enter_oracle_python()

try:
    import numpy as np
    import safetensors_io
    import torch
    import training_step_oracle as oracle
    from PIL import Image
    MISSING = None
except ImportError as error:
    MISSING = f"SKIPPED oracle probe: {sys.executable} has {error.msg[:1].lower()}{error.msg[1:]}"

THRESHOLDS = [20, 40, 80, 96]
SHAPE = {"architecture": "fpn", "depth": 18, "fpn_channels": 16, "pooler_resolution": 7, "head_num_convs": 1,
         "head_fc_channels": 32, "projector_hidden_channels": 32, "projector_out_channels": 16}
# Some twenty layers in float32, sums in another order: about 1e-6 of the largest value; a wrong level, a box off by half a
# pixel or a wrong statistic shows at 1e-2.
FEATURE_BOUND = 1e-4


def config_text(shape):
    thresholds = THRESHOLDS if shape["architecture"] == "fpn" else []
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in shape.items() if key != "depth")
    return f"[train]\nnum_threads = 1\n[model]\nbackbone = \"resnet{shape['depth']}\"\n{keys}[plan]\nlevel_thresholds = {thresholds}\n"


def pixels(path, max_side):
    """[1, 3, H, W] normalised, and the scale of its sides."""
    image = Image.open(path).convert("RGB")
    width, height = image.size
    scale = min(1, max_side / max(width, height))
    size = (round(scale * width), round(scale * height))
    if scale < 1:
        image = image.resize(size, Image.BILINEAR)
    x = np.asarray(image, np.float32) / 255
    x = (x - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy(x.transpose(2, 0, 1)[None].copy()), (size[0] / width, size[1] / height)


def labelled_boxes(annotations):
    """(file name, [(x1, y1, x2, y2)], [label]) an image with objects, in the file's order; labels count used categories."""
    objects = [a for a in annotations["annotations"] if not a.get("iscrowd")]
    used = sorted({a["category_id"] for a in objects})
    for image in annotations["images"]:
        own = [a for a in objects if a["image_id"] == image["id"]]
        if own:
            boxes = [(x, y, x + w, y + h) for x, y, w, h in (a["bbox"] for a in own)]
            yield image["file_name"], boxes, [used.index(a["category_id"]) for a in own]


def box_features(network, x, boxes, feature):
    boxes = torch.tensor(boxes, dtype=torch.float32)
    height, width = x.shape[-2:]
    relative = boxes / torch.tensor([width, height, width, height])
    fpn = hasattr(network.backbone, "bottom_up")
    maps = network.backbone.bottom_up(x) if fpn else [None, None, network.backbone(x, [0])[0]]
    if feature == "image":
        return maps[3].mean((2, 3))
    if feature == "backbone" or not fpn:
        levels, maps = [2] * len(boxes), dict(enumerate(maps))
    else:
        sizes = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
        levels = [next((i for i in range(3) if size <= THRESHOLDS[i]), 3) for size in sizes]
        maps = network.backbone(x, [0, 1, 2, 3])
    pooled = torch.cat([oracle.pool(maps[level], relative[i:i + 1], torch.zeros(1), network.resolution)
                        for i, level in enumerate(levels)])
    return next(network.roi_heads.children())(pooled) if feature == "head" else pooled.mean((2, 3))


def expected_rows(network, folder, annotations, feature, max_side):
    rows, labels = [], []
    for name, boxes, own in labelled_boxes(annotations):
        if feature == "image" and len(set(own)) > 1:
            continue
        x, (sx, sy) = pixels(folder / name, max_side)
        with torch.no_grad():
            features = box_features(network, x, [(a * sx, b * sy, c * sx, d * sy) for a, b, c, d in boxes], feature)
        rows.append(features.numpy())
        labels += own[:len(features)]
    return np.concatenate(rows), labels


def knn(train, labels, query, k=20, temperature=0.07):
    train, query = (x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) for x in (train, query))
    cosines = query @ train.T
    nearest = np.argsort(-cosines, axis=1)[:, :k]
    votes = np.zeros((len(query), max(labels) + 1))
    for row, columns in enumerate(nearest):
        for column in columns:
            votes[row, labels[column]] += np.exp(cosines[row, column] / temperature)
    return votes.argmax(1)


def ridge(train, labels, query, strength=0.01):
    x, q = train.astype(np.float64), query.astype(np.float64)
    mean, deviation = x.mean(0), x.std(0)
    constant = deviation < 1e-9
    x, q = ((v - mean) / np.where(constant, np.inf, deviation) for v in (x, q))
    targets = np.eye(max(labels) + 1)[labels]
    weights = np.linalg.solve(x.T @ x + strength * len(x) * np.eye(x.shape[1]), x.T @ (targets - targets.mean(0)))
    return (q @ weights + targets.mean(0)).argmax(1)


class ProbeTest(ScratchTest):
    def setUp(self):
        super().setUp()
        run("synth", "--out", self.scratch / "scenes", "--images", 40, "val_ratio=0.3", "width=128", "height=96",
            "categories=3", "max_objects=4", "crowd_prob=0.3")
        self.sets = {side: json.loads((self.annotations(side)).read_text()) for side in ("train", "val")}

    def annotations(self, side):
        return self.scratch / "scenes" / "annotations" / f"instances_{side}.json"

    def probe(self, *words, **options):
        return run("probe", *words, "--images", self.scratch / "scenes" / "train", "--annotations", self.annotations("train"),
                   "--json", self.scratch / "probe.json", **options)

    def probe_sides(self, weights, config, *words):
        self.probe(weights, "--config", config, "--val", self.annotations("val"), "--val-images",
                   self.scratch / "scenes" / "val", "--features", self.scratch / "features.safetensors", *words)
        return safetensors_io.load(self.scratch / "features.safetensors"), json.loads((self.scratch / "probe.json").read_text())

    def network_file(self, shape):
        """A network with random weights and statistics: (oracle's module, its weights file, its configuration file)."""
        torch.manual_seed(3)
        whole = {**oracle.SHAPE, **shape}
        arrays = oracle.random_weights(whole, np.random.default_rng(3), False, False)
        online = {name[len("online."):]: array for name, array in arrays.items() if name.startswith("online.")}
        network = oracle.Network(whole, True)
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in online.items()})
        safetensors_io.save(self.scratch / "weights.safetensors", online)
        (self.scratch / "network.toml").write_text(config_text(shape))
        return network.eval(), self.scratch / "weights.safetensors", self.scratch / "network.toml"

    def compare(self, shape, feature, max_side):
        network, weights, config = self.network_file(shape)
        ours, figures = self.probe_sides(weights, config, "--feature", feature, f"max_side={max_side}")
        for side in ("train", "val"):
            expected, labels = expected_rows(network, self.scratch / "scenes" / side, self.sets[side], feature, max_side)
            self.assertEqual(list(ours[side + ".labels"]), labels)
            distance = np.abs(ours[side + ".features"] - expected).max() / np.abs(expected).max()
            self.assertLess(distance, FEATURE_BOUND, f"{feature} of {side}")
        train, labels = ours["train.features"], list(ours["train.labels"])
        for name, classify in (("knn", knn), ("linear", ridge)):
            right = np.mean(classify(train, labels, ours["val.features"]) == ours["val.labels"])
            self.assertAlmostEqual(figures[name]["top1"], right, places=12)
        most = np.bincount(labels).argmax()
        self.assertAlmostEqual(figures["majority"]["top1"], np.mean(ours["val.labels"] == most), places=12)

    @unittest.skipIf(MISSING, MISSING)
    def test_features_and_figures_are_those_of_pytorch_and_numpy(self):
        for feature, max_side in (("roi", 448), ("roi", 90), ("backbone", 448), ("head", 448), ("image", 448)):
            with self.subTest(feature=feature, max_side=max_side):
                self.compare(SHAPE, feature, max_side)

    @unittest.skipIf(MISSING, MISSING)
    def test_c4_is_judged_by_its_map_and_by_res5(self):
        shape = {**SHAPE, "architecture": "c4", "pooler_resolution": 14}
        for feature in ("roi", "head"):
            with self.subTest(feature=feature):
                self.compare(shape, feature, 448)

    def test_training_is_judged_and_not_changed(self):
        images = self.scratch / "scenes" / "train"
        words = ["--images", images, "--config", "smoke/quickstart", *SMALL_RUN, "model.backbone_width=64", "train.epochs=2",
                 "train.seed=5"]
        keys = ["probe.every_epochs=1", f"probe.images={images}", f"probe.annotations={self.annotations('train')}"]
        run("pretrain", *words, "--out", self.scratch / "judged", *keys, "train.log_every_steps=1000")
        run("pretrain", *words, "--out", self.scratch / "plain")
        judged, plain = (tensors(newest_checkpoint(self.scratch / name)) for name in ("judged", "plain"))
        self.assertTrue(judged == plain)
        lines = [line for line in metrics(self.scratch / "judged") if "probe_knn" in line]
        self.assertEqual([line["epoch"] for line in lines], [1, 2])
        # The command on the checkpoint, with other workers, on the exported file, and of the start.
        run("export", "--from", self.scratch / "judged", "--format", "safetensors", "--out", self.scratch / "online.safetensors")
        checkpoint = newest_checkpoint(self.scratch / "judged")
        for words in ([self.scratch / "judged"], [checkpoint, "workers=1"], [self.scratch / "online.safetensors", "workers=3"]):
            self.probe(*words)
            figures = json.loads((self.scratch / "probe.json").read_text())
            self.assertEqual(figures["knn"]["top1"], lines[-1]["probe_knn"])
            self.assertEqual(figures["linear"]["top1"], lines[-1]["probe_linear"])
        random = ["--random", "--features", self.scratch / "random.safetensors"]
        self.probe(self.scratch / "judged", *random)
        first = (self.scratch / "random.safetensors").read_bytes()
        self.probe(checkpoint, *random)
        self.assertEqual(first, (self.scratch / "random.safetensors").read_bytes())
        self.probe(checkpoint, *random[1:])
        self.assertNotEqual(first, (self.scratch / "random.safetensors").read_bytes())

    def test_mistakes_are_named(self):
        refused = lambda *words: self.probe(*words, check=False)  # noqa: E731
        for words, code, text in (
                ([], 2, "run folder or a weights file"),
                (["--random"], 2, "--config RECIPE"),
                (["--random", "--config", "smoke/quickstart", "--feature", "hed"], 2, "head"),
                ([self.scratch / "none"], 1, "none"),
                (["--random", "--config", "smoke/quickstart", "--val-images", "x"], 2, "--val")):
            with self.subTest(words=words):
                done = refused(*words)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr)
        first = self.sets["train"]["images"][0]
        first["width"] += 1
        self.annotations("train").write_text(json.dumps(self.sets["train"]))
        done = refused("--random", "--config", "smoke/quickstart")
        self.assertEqual(done.returncode, 1)
        self.assertIn(first["file_name"], done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

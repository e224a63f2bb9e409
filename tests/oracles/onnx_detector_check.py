# SPDX-License-Identifier: MIT
"""Our ONNX files of whole detectors in onnxruntime against `soco predict`, which shares nothing with them but weights and settings.

    onnx_detector_check.py --make KIND weights.safetensors images/     random weights with the settings of such a detector; images
    onnx_detector_check.py detector.onnx images/ results.json          results: of `soco predict` from the same weights

Both programs compute in float32, whose sums differ by 1e-6 of the largest value; what follows from that without a jump is compared
at BOX_PX, SCORE and MASK_SHARE. But a detector also jumps: boxes of nearly equal scores change places and then suppress each other
the other way round, or a box is pooled from the next level or with one sample more. So FEW of the detections may differ by more, and
A_FLIP always: two boxes that change places, and one more that either lets through.
"""
import copy
import json
import pathlib
import struct
import sys
import zlib

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import random_detector  # noqa: E402
import safetensors_io  # noqa: E402

BOX_PX, SCORE, MASK_SHARE, FEW, A_FLIP = 0.02, 2e-4, 0.01, 0.02, 4
EDGE = 96
SIZES = ((96, 130), (128, 96), (96, 96), (96, 201))  # height, width; none is resized
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])

RULES = {"rpn": {"test_candidates": 200, "test_proposals": 100, "anchors": {"sizes": [12, 24, 48, 72, 96]}},
         "roi_heads": {"canonical_size": 48, "score_threshold": 0.1, "detections_per_image": 150}, "masks": {}}
FPN = dict(depth=18, rpn=3, fcs=2, masks=2, deltas=0.3, logits=2.0)
C4 = dict(depth=18, c4=True, rpn=15, masks=0, deltas=0.3, logits=2.0)
# Weights, and what of the settings is unlike RULES.
KINDS = {
    "fpn": (FPN, {}),
    "fpn50_boxes": (dict(FPN, depth=50, norm=True, convs=1, fcs=1, masks=None), {}),
    "c4_extra_norm": (dict(C4, extra_norm=True), {}),
    "c4_boxes": (dict(C4, masks=None), {}),
    "agnostic": (dict(FPN, agnostic=True), {"roi_heads": {"box_weights": [8, 9, 5, 6], "min_size": 6}}),
    "one_class": (dict(FPN, classes=1), {"rpn": {"min_size": 8, "anchors": {"offset": 0.5}}}),
    # torchvision's rules. 64 divides none of the padded sides, so that fit_stride makes a difference.
    "torchvision": (FPN, {"rpn": {"anchors": {"round": True, "fit_stride": True}}, "roi_heads": {"aligned": False, "sampling_ratio": 2}}),
    "unaligned": (FPN, {"roi_heads": {"aligned": False}}),
    "no_proposals": (FPN, {"rpn": {"min_size": 1000}}),
    "no_detections": (FPN, {"roi_heads": {"score_threshold": 1.0}}),
    "canonical": (FPN, {"roi_heads": {"canonical_size": 96}}),
}


def merged(base, other):
    return {key: merged(base[key], other[key]) if isinstance(base.get(key), dict) and key in other else other.get(key, base.get(key))
            for key in {**base, **other}}


def toml(table, name="model"):
    values = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items() if not isinstance(value, dict))
    return f"[{name}]\n{values}" + "".join(toml(value, f"{name}.{key}") for key, value in table.items() if isinstance(value, dict))


def settings(kind):
    weights, rules = KINDS[kind]
    c4, norm, agnostic = weights.get("c4", False), "bn" if weights.get("norm") else "none", weights.get("agnostic", False)
    model = merged(copy.deepcopy(RULES), rules)
    model.update(trunk="c4" if c4 else "fpn", backbone=f"resnet{weights['depth']}", fpn_channels=random_detector.PYRAMID, fpn_norm=norm)
    model["roi_heads"].update(pooler_resolution=14 if c4 else 7, num_convs=weights.get("convs", 0), num_fcs=weights.get("fcs", 1), norm=norm,
                              fc_channels=random_detector.FC, extra_norm=weights.get("extra_norm", False), class_agnostic_boxes=agnostic)
    model["masks"].update(enabled=weights["masks"] is not None, num_convs=weights["masks"] or 0, channels=random_detector.PYRAMID, norm=norm,
                          class_agnostic=agnostic)
    return toml(model) + f"[input]\ntest_short_edge = {EDGE}\ntest_max_edge = 512\n"


def picture(number):
    """[H,W,3] bytes: smooth colours with some sharp boxes on them."""
    rng, (height, width) = np.random.default_rng(number), SIZES[number]
    y, x = np.mgrid[:height, :width]
    image = np.stack([127 + 90 * np.sin(x / rng.uniform(6, 30) + y / rng.uniform(6, 30) + rng.uniform(0, 6)) for _ in range(3)], 2)
    for _ in range(6):
        top, left = rng.integers(height - 20), rng.integers(width - 20)
        image[top:top + rng.integers(8, 60), left:left + rng.integers(8, 60)] = rng.uniform(0, 255, 3)
    return np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)


def write_png(path, image):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width = image.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make(kind, path, images):
    weights = random_detector.make(**KINDS[kind][0])
    categories = [{"id": 10 * i + 7, "name": f"thing{i}"} for i in range(KINDS[kind][0].get("classes", 5))]
    safetensors_io.save(path, weights, {"kind": "soco-finetune", "config": settings(kind), "categories": json.dumps(categories)})
    folder = pathlib.Path(images)
    folder.mkdir(exist_ok=True)
    for number in range(len(SIZES)):
        write_png(folder / f"{number}.png", picture(number))


def network_input(image):
    """Normalised, padded to multiples of 32."""
    height, width = image.shape[:2]
    padded = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    padded[0, :, :height, :width] = ((image.astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)
    return padded


def pasted(mask, box, height, width):
    """A mask of probabilities in the frame of its box, sampled at the centres of the pixels; nothing is beyond it."""
    side, frame = mask.shape[0], np.pad(mask.astype(np.float64), 1)

    def axis(low, high, pixels):
        at = (np.arange(pixels) + 0.5 - low) / (high - low) * side - 0.5
        first = np.clip(np.floor(at), -2, side).astype(int)
        weights = np.zeros((pixels, side + 2))
        for step, weight in ((0, 1 - (at - np.floor(at))), (1, at - np.floor(at))):
            inside = (first + step >= -1) & (first + step <= side)
            weights[np.arange(pixels)[inside], (first + step + 1)[inside]] += weight[inside]
        return weights

    return axis(box[1], box[3], height) @ frame @ axis(box[0], box[2], width).T >= 0.5


def pixels_of(segmentation):
    """COCO's run lengths as text: five bits a character, from the third run on the difference to the run before the last."""
    (height, width), counts, text, at = segmentation["size"], [], segmentation["counts"].encode(), 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            code = text[at] - 48
            value |= (code & 31) << shift
            at, shift, more = at + 1, shift + 5, bool(code & 32)
            if not more and code & 16:
                value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    flat = np.repeat(np.arange(len(counts)) % 2, counts).astype(bool)
    return flat.reshape(width, height).T


def mask_differs(wanted, probabilities, box, size):
    ours, theirs = pasted(probabilities, box, *size), pixels_of(wanted["segmentation"])
    area = max((box[2] - box[0]) * (box[3] - box[1]), 1)
    return (ours != theirs).sum() > 2 + MASK_SHARE * area


def compare(found, wanted, category_ids, size):
    """How many detections the two do not share, and the largest differences among those that they do."""
    boxes, scores, classes, masks = (found.get(name) for name in ("boxes", "scores", "classes", "masks"))
    assert np.all(np.diff(scores) <= 0), "not sorted"
    assert boxes.size == 0 or (boxes.min() >= 0 and np.all(boxes[:, [1, 3]] <= size[0]) and np.all(boxes[:, [0, 2]] <= size[1])), "not within the image"
    assert (masks is None) == all("segmentation" not in one for one in wanted) or not wanted, "masks"
    left, worst_box, worst_score, masks_off = list(range(len(scores))), 0.0, 0.0, 0
    for one in wanted:
        x, y, width, height = one["bbox"]
        box = np.array([x, y, x + width, y + height])
        near = [i for i in left if category_ids[classes[i]] == one["category_id"] and abs(boxes[i] - box).max() < BOX_PX
                and abs(scores[i] - one["score"]) < SCORE]
        if not near:
            continue
        best = min(near, key=lambda i: abs(scores[i] - one["score"]))
        left.remove(best)
        worst_box, worst_score = max(worst_box, abs(boxes[best] - box).max()), max(worst_score, abs(scores[best] - one["score"]))
        if masks is not None:
            masks_off += mask_differs(one, masks[best], box, size)
    shared = len(scores) - len(left)
    return max(len(wanted), len(scores)) - shared + masks_off, worst_box, worst_score


def check(model, images, results):
    import onnxruntime
    try:
        import onnx
        onnx.checker.check_model(onnx.load(model), full_check=True)
    except ImportError:
        print("SKIPPED oracle onnx: no module onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    category_ids = [one["id"] for one in json.loads(session.get_modelmeta().custom_metadata_map["categories"])]
    results = json.loads(pathlib.Path(results).read_text())
    apart = total = 0
    worst = np.zeros(2)
    for number, path in enumerate(sorted(pathlib.Path(images).iterdir())):
        image = picture(number)
        found = dict(zip(names, session.run(None, {"images": network_input(image), "size": np.array(image.shape[:2], np.int64)})))
        wanted = [one for one in results if one["image_id"] == number + 1]
        count, box, score = compare(found, wanted, category_ids, image.shape[:2])
        apart, total, worst = apart + count, total + max(len(wanted), len(found["scores"])), np.maximum(worst, [box, score])
    print(f"{total} detections, {apart} apart; the others within {worst[0]:.2g} px and {worst[1]:.2g} of the score")
    assert apart <= max(A_FLIP, FEW * total), f"{apart} of {total} detections apart"


if __name__ == "__main__":
    make(*sys.argv[2:]) if sys.argv[1] == "--make" else check(*sys.argv[1:])

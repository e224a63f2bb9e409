#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes what Pillow and torchvision make of random images, for tests/image/oracle_test.cpp.

    image_oracle.py OUT_DIR        writes OUT_DIR/index.json, OUT_DIR/data.bin and OUT_DIR/crops.json

Needs Pillow 9.4 (the pixel arithmetic of later versions differs in places), numpy and torchvision 0.14. Every case has
raw or encoded input bytes and the expected output bytes: uint8 [height, width, 3], for "normalize" float32 [3, h, w].
crops.json: what RandomResizedCrop draws: [height, width, scales, ratios, [[area share, aspect] of each try], [y, x, h, w]].
"""
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from random_picture import NUM_KINDS, random_picture  # noqa: E402

CASES_PER_OP = 240  # of colours (photometric_oracle.py has more) and rare formats
MANY_CASES = 2000   # of JPEG, PNG, each resize filter and crops
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Writer:
    """Collects cases: blobs one after the other in data.bin, their places in index.json."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.blob, self.cases = folder, open(folder / "data.bin", "wb"), []

    def put(self, data):
        at = self.blob.tell()
        self.blob.write(data)
        return [at, len(data)]

    def case(self, op, source, expected, **params):
        """source: an array [h, w, 3] or the bytes of a file; expected: an array."""
        raw = isinstance(source, np.ndarray)
        self.cases.append({
            "op": op, "in_size": list(source.shape[:2]) if raw else [0, 0],
            "input": self.put(source.tobytes() if raw else source),
            "out_size": list(expected.shape[:2]), "output": self.put(np.ascontiguousarray(expected).tobytes()), **params})

    def close(self):
        self.blob.close()
        (self.folder / "index.json").write_text(json.dumps({"cases": self.cases}))


def random_image(rng, max_side=40, min_side=1):
    h, w = (int(x) for x in rng.integers(min_side, max_side + 1, 2))
    return random_picture(rng, h, w, rng.integers(NUM_KINDS))


def array(image):
    return np.asarray(image.convert("RGB"))


def crop_cases(out, rng):
    filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
    for name, resample in filters.items():
        for i in range(MANY_CASES):
            pixels = random_image(rng, 60 if i % 16 else 300)
            h, w = pixels.shape[:2]
            x1, y1 = int(rng.integers(w)), int(rng.integers(h))
            cw, ch = int(rng.integers(1, w - x1 + 1)), int(rng.integers(1, h - y1 + 1))
            if i % 3 == 0:
                x1, y1, cw, ch = 0, 0, w, h
            oh, ow = (int(x) for x in rng.integers(1, 70, 2))
            if i % 10 == 1:
                oh = ch
            if i % 10 == 2:
                ow = cw
            if i % 40 == 3:
                oh, ow = ch, cw
            result = Image.fromarray(pixels).crop((x1, y1, x1 + cw, y1 + ch)).resize((ow, oh), resample)
            out.case("crop_and_resize", pixels, array(result), crop=[x1, y1, cw, ch], filter=name)


def color_cases(out, rng):
    ops = {"brightness": F.adjust_brightness, "contrast": F.adjust_contrast, "saturation": F.adjust_saturation}
    for name, op in ops.items():
        for i in range(CASES_PER_OP):
            factor = [0.0, 1.0, 0.5, 2.0][i] if i < 4 else float(rng.uniform(0, 2))
            pixels = random_image(rng)
            out.case(name, pixels, array(op(Image.fromarray(pixels), factor)), factor=factor)
    for i in range(CASES_PER_OP):
        factor = [0.0, 0.5, -0.5, 0.1, -0.1][i] if i < 5 else float(rng.uniform(-0.5, 0.5))
        pixels = random_image(rng)
        out.case("hue", pixels, array(F.adjust_hue(Image.fromarray(pixels), factor)), factor=factor)
    # Every hue sextant and saturation: all colours of a coarse grid, once.
    levels = np.array([0, 1, 2, 31, 64, 100, 127, 128, 129, 200, 253, 254, 255], np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(13, 169, 3)
    for factor in np.linspace(-0.5, 0.5, 41):
        out.case("hue", grid, array(F.adjust_hue(Image.fromarray(grid), float(factor))), factor=float(factor))


def pixel_cases(out, rng):
    for i in range(CASES_PER_OP):
        pixels = random_image(rng)
        image = Image.fromarray(pixels)
        out.case("grayscale", pixels, array(F.to_grayscale(image, 3)))
        threshold = [0, 255, 256, 128][i] if i < 4 else int(rng.integers(0, 257))
        out.case("solarize", pixels, array(ImageOps.solarize(image, threshold)), threshold=threshold)
        out.case("flip", pixels, array(F.hflip(image)))
        tensor = F.normalize(F.to_tensor(image), MEAN, STD)
        out.case("normalize", pixels, tensor.numpy().astype("<f4"), mean=MEAN, std=STD)
        radius = [0.0, 0.1, 2.0, 0.5, 1.0, 5.0, 40.0][i] if i < 7 else float(rng.uniform(0.1, 2.0 if i % 4 else 12.0))
        out.case("blur", pixels, array(image.filter(ImageFilter.GaussianBlur(radius))), radius=radius)


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def decode_case(out, kind, data, expected=None):
    """`expected` is given where we mean to differ from Pillow."""
    out.case("decode", data, array(Image.open(io.BytesIO(data))) if expected is None else expected, format=kind)


def jpeg_cases(out, rng):
    for i in range(MANY_CASES):
        image = Image.fromarray(random_image(rng, 70 if i % 8 else 200)).convert(["RGB", "RGB", "RGB", "L", "CMYK"][i % 5])
        options = {"quality": int(rng.integers(1, 101)), "progressive": bool(rng.integers(2)), "optimize": bool(rng.integers(2))}
        if image.mode == "RGB":
            options["subsampling"] = int(rng.integers(3))
        decode_case(out, "JPEG", encoded(image, format="JPEG", **options))


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_samples(samples, color_type, bits, interlaced):
    """A PNG Pillow cannot write: 16-bit samples, or Adam7 passes. samples [h, w, channels]."""
    h, w = samples.shape[:2]
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in steps] if interlaced else [samples]
    big_endian = samples.astype(">u2" if bits == 16 else ">u1").dtype
    rows = b"".join(b"\0" + row.astype(big_endian).tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", w, h, bits, color_type, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def png_cases(out, rng):
    for i in range(MANY_CASES):
        image = Image.fromarray(random_image(rng))
        mode = ["RGB", "L", "1", "P", "LA", "RGBA"][i % 6]
        options = {}
        if mode == "P":
            colors = int(rng.choice([2, 3, 4, 16, 17, 200]))
            image = image.quantize(colors)
            if i % 4 == 0:
                options["transparency"] = 0
        elif mode in ("LA", "RGBA"):
            image = image.convert(mode)
            image.putalpha(Image.fromarray(rng.integers(0, 256, image.size[::-1], dtype=np.uint8)))
        else:
            image = image.convert(mode)
        decode_case(out, "PNG", encoded(image, format="PNG", **options))
    for i in range(CASES_PER_OP // 4):
        color_type, channels = [(0, 1), (2, 3), (4, 2), (6, 4)][i % 4]
        bits, interlaced = [(16, False), (16, True), (8, True)][i // 4 % 3]
        h, w = (int(x) for x in rng.integers(1, 20, 2))
        samples = rng.integers(0, 1 << bits, (h, w, channels))
        # Pillow clips 16-bit grey to white where we keep the high byte, as it does for all other kinds.
        expected = np.repeat(samples >> 8, 3, axis=2).astype(np.uint8) if bits == 16 and color_type == 0 else None
        decode_case(out, "PNG", png_of_samples(samples, color_type, bits, interlaced), expected)


def exif_cases(out, rng):
    """Orientations 1..8 as an EXIF block; expected is what ImageOps.exif_transpose makes of it."""
    for i in range(CASES_PER_OP):
        image = Image.fromarray(random_image(rng, 20))
        exif = Image.Exif()
        exif.endian = "<>"[i % 2]
        exif[274] = i % 8 + 1
        kind = ["JPEG", "PNG", "WEBP"][i % 3]
        data = encoded(image, format=kind, exif=exif.tobytes(), lossless=True)
        out.case("exif", data, array(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))), format=kind)


def webp_cases(out, rng):
    for i in range(CASES_PER_OP):
        image = Image.fromarray(random_image(rng))
        if i % 3 == 0:
            image.putalpha(Image.fromarray(rng.integers(0, 256, image.size[::-1], dtype=np.uint8)))
        decode_case(out, "WebP", encoded(image, format="WEBP", lossless=bool(i % 2), quality=int(rng.integers(1, 101)), method=0))


def bmp_header(w, h, bits, compression, extra, offset):
    return (b"BM" + struct.pack("<IHHI", 0, 0, 0, offset) +
            struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, compression, 0, 0, 0, 0, 0) + extra)


def bmp_cases(out, rng):
    for i in range(CASES_PER_OP):
        image = Image.fromarray(random_image(rng)).convert(["RGB", "L", "1", "RGBA"][i % 4])
        if i % 8 == 1:
            image = image.convert("RGB").quantize(int(rng.choice([2, 16, 200])))
        decode_case(out, "BMP", encoded(image, format="BMP"))
    for i in range(CASES_PER_OP // 4):
        h, w = (int(x) for x in rng.integers(1, 20, 2))
        signed = -h if i % 2 else h
        if i % 3 == 0:  # 16 bits: 5-5-5, the default
            rows = rng.integers(0, 256, (h, (w * 2 + 3) // 4 * 4), dtype=np.uint8)
            data = bmp_header(w, signed, 16, 0, b"", 54) + rows.tobytes()
        elif i % 3 == 1:  # 16 bits: 5-6-5 by masks
            rows = rng.integers(0, 256, (h, (w * 2 + 3) // 4 * 4), dtype=np.uint8)
            data = bmp_header(w, signed, 16, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F), 66) + rows.tobytes()
        else:  # 4 bits with a palette
            rows = rng.integers(0, 256, (h, (w * 4 + 31) // 32 * 4), dtype=np.uint8)
            palette = rng.integers(0, 256, (16, 4), dtype=np.uint8)
            header = bytearray(bmp_header(w, signed, 4, 0, palette.tobytes(), 54 + 64))
            header[46:50] = struct.pack("<I", 16)
            data = bytes(header) + rows.tobytes()
        decode_case(out, "BMP", data)


def ppm_cases(out, rng):
    for i in range(CASES_PER_OP):
        image = Image.fromarray(random_image(rng)).convert(["RGB", "L", "1"][i % 3])
        decode_case(out, "PPM", encoded(image, format="PPM"))
    for i in range(CASES_PER_OP // 4):
        h, w = (int(x) for x in rng.integers(1, 12, 2))
        top = int(rng.choice([1, 2, 6, 15, 100, 254, 510, 1000, 65535]))
        channels = 1 if i % 2 and top < 256 else 3
        samples = rng.integers(0, top + 1, (h, w, channels))
        header = f"# made by hand\n{w} {h}\n# largest\n{top}\n"
        if i % 3 == 0:
            data = (("P2 " if channels == 1 else "P3 ") + header + " ".join(str(v) for v in samples.ravel()) + "\n").encode()
        else:
            data = ((b"P5 " if channels == 1 else b"P6 ") + header.encode() + samples.astype(">u2" if top > 255 else ">u1").tobytes())
        decode_case(out, "PPM", data)


def tiff_cases(out, rng):
    for i in range(CASES_PER_OP):
        image = Image.fromarray(random_image(rng)).convert(["RGB", "L", "1", "RGBA"][i % 4])
        if i % 8 == 0:
            image = image.quantize(int(rng.choice([2, 16, 200])))
        if image.mode == "RGBA":
            image.putalpha(Image.fromarray(rng.integers(0, 256, image.size[::-1], dtype=np.uint8)))
        compression = ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"][int(rng.integers(4))]
        orientation = {274: int(rng.integers(1, 9))} if i % 5 == 0 else {}
        decode_case(out, "TIFF", encoded(image, format="TIFF", compression=compression, tiffinfo=orientation))


def crop_draws(rng):
    """Every uniform number that get_params draws, and where its crop lies."""
    rows, drawn, draw = [], [], torch.Tensor.uniform_
    torch.Tensor.uniform_ = lambda tensor, low, high: drawn.append(draw(tensor, low, high)) or drawn[-1]
    torch.manual_seed(20210602)
    for i in range(MANY_CASES):
        height, width = (int(x) for x in rng.integers(1, 600, 2))
        if i % 4 == 0:  # long pictures: most need the central crop
            height, width = [(height, 1 + height // 30), (1 + width // 30, width)][i % 8 // 4]
        scales = sorted(float(x) for x in rng.uniform(0.01, 1, 2))
        ratios = [[3 / 4, 4 / 3], [0.5, 2.0], [0.9, 1.0]][i % 3]
        drawn.clear()
        picture = Image.new("L", (width, height))
        y, x, h, w = RandomResizedCrop.get_params(picture, scales, ratios)
        tries = [[drawn[k].item(), torch.exp(drawn[k + 1]).item()] for k in range(0, len(drawn), 2)]
        rows.append([height, width, scales, ratios, tries, [y, x, h, w]])
    torch.Tensor.uniform_ = draw
    return rows


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rng = np.random.default_rng(20210602)
    out = Writer(pathlib.Path(sys.argv[1]))
    for cases in (crop_cases, color_cases, pixel_cases, jpeg_cases, png_cases, exif_cases, webp_cases, bmp_cases, ppm_cases,
                  tiff_cases):
        cases(out, rng)
    out.close()
    (out.folder / "crops.json").write_text(json.dumps({"crops": crop_draws(rng)}))
    print(f"{len(out.cases)} cases in {out.folder}")


main()

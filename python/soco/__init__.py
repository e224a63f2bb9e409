# SPDX-License-Identifier: MIT
"""Class-agnostic object proposals: selective search on numpy arrays, in native code, with the GIL released.

    >>> import numpy, soco
    >>> image = numpy.zeros((240, 320, 3), numpy.uint8)
    >>> boxes = soco.selective_search(image, strategy="soco")
    >>> boxes.shape
    (1, 4)
"""
from . import _soco

__all__ = ["selective_search", "filter_proposals", "option_docs"]


def selective_search(image, **options):
    """Boxes [N, 4] float32, xyxy in pixels, x2 and y2 exclusive, in the strategy's order (ranked ones best first).

    image: uint8 [height, width, 3], RGB, or [height, width], grey; any strides.
    options: the keys of `soco propose --help` under `search.`, without the prefix; `option_docs()` lists them.
    Raises ValueError for an array or option that cannot be used. Threads may call it at the same time.
    """
    return _soco.selective_search(image, **options)


def filter_proposals(boxes, height, width, **options):
    """The boxes worth training on (defaults: those of SoCo's release), in their order; never empty.

    boxes: [N, 4] xyxy of an image of `height` x `width`. options: max_ratio, min_size_ratio, max_size_ratio, min_side,
    deduplicate, enabled.
    """
    return _soco.filter_proposals(boxes, height, width, **options)


def option_docs():
    """Name -> meaning, type, default and range of every option of `selective_search`."""
    return _soco.option_docs()

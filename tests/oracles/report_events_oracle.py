# SPDX-License-Identifier: MIT
"""Golden bytes of event files, made with TensorBoard's own protobuf classes and CRC; and a reader check.

  pip install tensorboard
  python report_events_oracle.py            prints the golden values of tests/report/event_writer_test.cpp
  python report_events_oracle.py FOLDER     prints what TensorBoard's loader reads from the event files of FOLDER
"""
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import masked_crc32c


def record(payload):
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked_crc32c(length)) + payload + struct.pack("<I", masked_crc32c(payload))


def golden():
    version = Event(wall_time=1.5, file_version="brain.Event:2")
    scalars = Event(wall_time=1700000000.25, step=300, summary=Summary(value=[
        Summary.Value(tag="loss", simple_value=-3.25), Summary.Value(tag="lr", simple_value=0.1)]))
    image = Event(wall_time=2.0, step=7, summary=Summary(value=[Summary.Value(tag="views", image=Summary.Image(
        height=2, width=200, colorspace=3, encoded_image_string=b"png"))]))
    for name, event in (("version", version), ("scalars", scalars), ("image", image)):
        print(name, event.SerializeToString().hex())
    print("record of the version event", record(version.SerializeToString()).hex())
    print("masked crc of 123456789", hex(masked_crc32c(b"123456789")), "of nothing", hex(masked_crc32c(b"")))


def read(folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    for tag in events.Tags()["scalars"]:
        print(tag, [(e.step, e.value) for e in events.Scalars(tag)])
    for tag in events.Tags()["images"]:
        print(tag, [(e.step, e.width, e.height, len(e.encoded_image_string)) for e in events.Images(tag)])


if __name__ == "__main__":
    read(sys.argv[1]) if len(sys.argv) > 1 else golden()

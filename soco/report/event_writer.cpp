// SPDX-License-Identifier: MIT
#include "soco/report/event_writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/base/host.h"
#include "soco/base/protobuf.h"

namespace soco {
namespace {

constexpr std::uint64_t kMaxCheckedBytes = std::uint64_t{4} << 30;

using protobuf::append_bytes;
using protobuf::append_double;
using protobuf::append_float;
using protobuf::append_integer;
using protobuf::append_little_endian;

// Event: 1 wall_time (double), 2 step (int64), 3 file_version (string), 5 summary (message).
std::string event_head(double wall_time) {
  std::string event;
  append_double(event, 1, wall_time);
  return event;
}

std::string summary_event(double wall_time, std::int64_t step, std::string_view summary) {
  std::string event = event_head(wall_time);
  append_integer(event, 2, step);
  append_bytes(event, 5, summary);
  return event;
}

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_part() {
  std::string name = host_name();
  for (const char bad : {'/', ' '}) std::replace(name.begin(), name.end(), bad, '_');
  return name;
}

AppendFile new_event_file(const std::filesystem::path& folder) {
  const std::string name =
      fmt::format("events.out.tfevents.{}.{}.{}", static_cast<std::int64_t>(now_seconds()), host_part(), getpid());
  std::filesystem::path path = folder / name;
  for (int i = 1; std::filesystem::exists(path); ++i) path = folder / fmt::format("{}.{}", name, i);
  return AppendFile(path, AppendFile::Mode::kNew);
}

}  // namespace

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(std::as_bytes(std::span(bytes.data(), bytes.size()))), 15) + 0xa282ead8U;
}

std::string encode_record(std::string_view payload) {
  std::string record;
  append_little_endian(record, static_cast<std::uint64_t>(payload.size()));
  append_little_endian(record, masked_crc32c(record));
  record += payload;
  append_little_endian(record, masked_crc32c(payload));
  return record;
}

std::string encode_version_event(double wall_time) {
  std::string event = event_head(wall_time);
  append_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string encode_scalars_event(double wall_time, std::int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    std::string entry;  // Summary.Value: 1 tag, 2 simple_value (float)
    append_bytes(entry, 1, tag);
    append_float(entry, 2, static_cast<float>(value));
    append_bytes(summary, 1, entry);
  }
  return summary_event(wall_time, step, summary);
}

std::string encode_image_event(double wall_time, std::int64_t step, const std::string& tag, int height, int width,
                               std::span<const std::byte> encoded_image) {
  std::string image;  // Summary.Image: 1 height, 2 width, 3 colorspace (3: RGB), 4 encoded_image_string
  append_integer(image, 1, height);
  append_integer(image, 2, width);
  append_integer(image, 3, 3);
  append_bytes(image, 4, {reinterpret_cast<const char*>(encoded_image.data()), encoded_image.size()});
  std::string entry;  // Summary.Value: 1 tag, 4 image
  append_bytes(entry, 1, tag);
  append_bytes(entry, 4, image);
  std::string summary;
  append_bytes(summary, 1, entry);
  return summary_event(wall_time, step, summary);
}

EventCheck check_events(const std::filesystem::path& path) {
  constexpr std::size_t kHead = 12, kCrc = 4;  // length and its checksum; the payload's checksum
  const std::string text = read_text_file(path, kMaxCheckedBytes);
  const auto check = [&](std::size_t begin, std::size_t size) {
    std::string crc;
    append_little_endian(crc, masked_crc32c(std::string_view(text).substr(begin, size)));
    if (text.compare(begin + size, kCrc, crc) != 0)
      fail("{}: damaged: the checksum of the {} bytes from byte {} on does not match", path.string(), size, begin);
  };
  EventCheck result;
  for (std::size_t begin = 0; begin < text.size(); ++result.num_records) {
    result.torn_bytes = text.size() - begin;
    if (result.torn_bytes < kHead) return result;
    check(begin, kHead - kCrc);
    std::uint64_t length = 0;
    std::memcpy(&length, text.data() + begin, sizeof length);
    if (length > result.torn_bytes - kHead || result.torn_bytes - kHead - length < kCrc) return result;
    check(begin + kHead, length);
    begin += kHead + length + kCrc;
  }
  result.torn_bytes = 0;
  return result;
}

EventWriter::EventWriter(const std::filesystem::path& folder) : file_(new_event_file(folder)) {
  file_.append(encode_record(encode_version_event(now_seconds())));
}

void EventWriter::add_scalars(std::int64_t step, const Scalars& scalars) {
  file_.append(encode_record(encode_scalars_event(now_seconds(), step, scalars)));
}

void EventWriter::add_image(std::int64_t step, const std::string& tag, int height, int width,
                            std::span<const std::byte> encoded_image) {
  file_.append(encode_record(encode_image_event(now_seconds(), step, tag, height, width, encoded_image)));
}

}  // namespace soco

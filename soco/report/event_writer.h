// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/report/append_file.h"

namespace soco {

/// Named scalars of one step.
using Scalars = std::vector<std::pair<std::string, double>>;

/// CRC32C rotated right by 15 bits plus 0xa282ead8, as the TFRecord format stores checksums (a checksum of data that
/// holds checksums would be weak).
std::uint32_t masked_crc32c(std::string_view bytes);

/// One TFRecord: length (8 bytes, little endian), its masked CRC, the payload, the payload's masked CRC.
std::string encode_record(std::string_view payload);

/// Serialised `tensorflow.Event` messages (event.proto, summary.proto); wall_time in seconds since 1970.
std::string encode_version_event(double wall_time);
std::string encode_scalars_event(double wall_time, std::int64_t step, const Scalars& scalars);
std::string encode_image_event(double wall_time, std::int64_t step, const std::string& tag, int height, int width,
                               std::span<const std::byte> encoded_image);

/// What check_events read.
struct EventCheck {
  std::int64_t num_records = 0;
  std::uint64_t torn_bytes = 0;  // of a last record that was never finished
};

/// Reads an event file by its checksums alone. Throws Error naming the byte where one does not fit.
EventCheck check_events(const std::filesystem::path& path);

/// Writes one TensorBoard event file. Every record is handed to the system at once, so TensorBoard can follow a run and
/// a crash loses nothing. A resumed run opens a new file: TensorBoard joins the files of a folder and hides the steps
/// that the later file repeats. Not thread-safe.
class EventWriter {
 public:
  /// Creates `folder`/events.out.tfevents.<seconds>.<host>.<pid>[.<n>]; the suffix keeps an existing file untouched.
  /// Throws Error when the file cannot be made.
  explicit EventWriter(const std::filesystem::path& folder);

  /// Appends one record with all `scalars`. Not-finite values are written as they are (TensorBoard marks them).
  /// Throws Error when the disk is full or the file cannot be written.
  void add_scalars(std::int64_t step, const Scalars& scalars);
  void add_scalar(std::int64_t step, const std::string& tag, double value) { add_scalars(step, {{tag, value}}); }
  /// Appends an encoded image (PNG or JPEG), shown in TensorBoard's image tab.
  void add_image(std::int64_t step, const std::string& tag, int height, int width,
                 std::span<const std::byte> encoded_image);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  AppendFile file_;
};

}  // namespace soco

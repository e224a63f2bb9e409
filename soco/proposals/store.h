// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/hash.h"
#include "soco/structures/proposal_set.h"

namespace soco {

/// One image's row.
struct ProposalRecord {
  std::string key;            ///< the image's path relative to its root, '/' separated
  ProposalSet proposals;      ///< boxes xyxy px, whole numbers, x2/y2 exclusive
  Hash128 fingerprint{0, 0};  ///< of the image file's bytes; zero when the file could not be read
  std::string error;          ///< not empty: the image could not be used, and this is why
};

/// Whether a store has a checksum over every byte of its file: a closed one has; one that is open for writing, or whose
/// process was killed, has those of its rows alone, until it is opened for writing and closed again.
enum class StoreSeal { kNone, kWhole };

/// The proposals of a set of images in one SQLite file, one row per image key.
///
/// Table `proposals`: key, height, width, fingerprint (16 bytes, low then high, little endian), boxes (x1,y1,x2,y2 each
/// int16, or int32 when a side of the image exceeds 32767, little endian), error (NULL when none), checksum of the row.
/// Table `meta`: name, value (`options`: what the boxes were made with; `seal`: checksum of the file, see
/// store_seal.h). `PRAGMA user_version`: the format's version. One process writes at a time, and holds the file's write
/// lock from opening to closing. While it writes the file is WAL, and processes of the same machine can read what was
/// put; on a network file system (see is_on_network) SQLite cannot give that safely, and they are refused. Closing
/// makes it a single ordinary file again, which may lie on a read-only disk, and which nobody can open for writing
/// while somebody reads it. All methods are thread-safe.
class ProposalStore {
 public:
  static constexpr int kFormatVersion = 1;

  /// Opens for writing; makes the file when it is missing. `options`: canonical text of all that shapes the boxes.
  /// Errors: made with other options (both are named), a newer format, not a store, damaged or truncated, locked.
  static ProposalStore create_or_open(const std::filesystem::path& path, const std::string& options);
  /// Opens an existing store for reading. Errors as above, and when it is missing.
  static ProposalStore open_read(const std::filesystem::path& path);

  ~ProposalStore();
  ProposalStore(ProposalStore&&) noexcept;
  ProposalStore& operator=(ProposalStore&&) noexcept;

  /// Writes the records in one transaction, replacing rows of equal key: all of them, or none when it throws.
  /// Errors: a box that is not whole numbers inside the image, a full disk, a store opened for reading.
  void put(std::span<const ProposalRecord> records);
  /// The row of `key`, or nothing. Error when the row is damaged.
  std::optional<ProposalRecord> get(std::string_view key) const;
  /// True when `key` has a row made from a file with this fingerprint.
  bool contains(std::string_view key, const Hash128& fingerprint) const;
  /// Reads rows in ascending order of key, one in memory at a time; the store must outlive it. Thread-safe.
  class Cursor {
   public:
    ~Cursor();
    Cursor(Cursor&&) noexcept;
    /// The next row; nothing after the last. Error when it is damaged.
    std::optional<ProposalRecord> next();

   private:
    friend class ProposalStore;
    class State;
    explicit Cursor(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  Cursor cursor() const;
  /// All keys in ascending byte order.
  std::vector<std::string> keys() const;
  /// The same one by one, without a list of them. `visit` must not call the store.
  void for_each_key(const std::function<void(std::string_view)>& visit) const;
  /// Calls `visit` with every row, as a cursor gives them.
  void for_each(const std::function<void(const ProposalRecord&)>& visit) const;
  std::int64_t size() const;     ///< rows, bad images included
  std::int64_t num_bad() const;  ///< rows with an error
  /// The text given to create_or_open when the store was made.
  const std::string& options() const;
  const std::filesystem::path& path() const;
  /// Reads every page, row and, under a seal, byte; Error naming the first damage.
  StoreSeal verify() const;

 private:
  class Impl;
  explicit ProposalStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace soco

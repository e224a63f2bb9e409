// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "soco/export/pickle_value.h"

namespace soco {

/// Emits the few pickle opcodes that weights need, without memo, so that every Python since 3.0 and PyTorch's
/// weights-only unpickler accept the stream. Values go out in call order; the caller pairs begin and end calls.
/// Source: the opcode descriptions in CPython's pickletools.
class PickleEmitter {
 public:
  /// `protocol`: 2 for PyTorch archives; 3 where byte strings are needed.
  explicit PickleEmitter(int protocol);

  void none();
  void boolean(bool value);
  void integer(std::int64_t value);  // any 64-bit value: BININT1, BININT2, BININT or LONG1
  void real(double value);
  void string(std::string_view utf8);  // Errors: 4 GiB or more
  void bytes(std::string_view data);   // protocol 3; Errors: 4 GiB or more
  void global(std::string_view module, std::string_view name);
  void begin_tuple();
  void end_tuple();
  void begin_list();
  void end_list();
  void begin_dict();  // then key, value, key, value ...
  void end_dict();
  void empty_dict();
  void reduce();         // calls the global below with the tuple on top
  void build();          // gives the object below the state on top
  void persistent_id();  // replaces the value on top by the object it names

  /// Ends the stream and gives it; the emitter is empty afterwards.
  std::string finish();

 private:
  void op(char code) { out_.push_back(code); }
  void little_endian(std::uint64_t value, int num_bytes);

  std::string out_;
};

/// Writes a value as PyTorch's `torch.save` does: a stored (not compressed) zip archive of one pickle and one record
/// per tensor, data at multiples of 64 bytes. Loads with `torch.load(f, weights_only=True)`; written whole or not at
/// all. Errors: a value of kind bytes (PyTorch's allow-list has none), disk full or not writable.
void write_torch_file(const std::filesystem::path& path, const PickleValue& value);

/// Writes a value as a plain pickle (protocol 3) with numpy arrays for tensors, as Detectron2's model zoo has them.
/// Loads with `pickle.load(f)`, any `encoding`, under numpy 1 and 2; written whole or not at all.
/// Errors: bfloat16 tensors (numpy has no such type), disk full or not writable.
void write_numpy_pickle(const std::filesystem::path& path, const PickleValue& value);

}  // namespace soco

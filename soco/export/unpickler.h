// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "soco/export/pickle_reader.h"
#include "soco/structures/host_tensor.h"

/// The machine behind read_pickle_file: runs a pickle program and builds plain objects, of a fixed set of kinds.
namespace soco::pickle {

/// Where a tensor's elements lie, not yet read: in a storage record, or in the pickle itself (numpy).
struct TensorSpec {
  DType dtype = DType::kFloat32;
  std::string storage_key;
  std::uint64_t storage_numel = 0;
  bool is_inline = false;
  std::string_view inline_data;              // when is_inline
  std::uint64_t offset = 0;                  // elements
  std::vector<std::int64_t> sizes, strides;  // elements, none negative
};

enum class Kind {
  kNone,
  kBool,
  kInt,
  kReal,
  kString,
  kBytes,
  kList,
  kTuple,
  kDict,
  kGlobal,   // a name of the allow-list
  kStorage,  // tensor.storage_*
  kTensor,
  kDType,  // numpy.dtype
  kArray,  // numpy array whose contents have not come yet
};

struct Object {
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;  // also bool, the row of a global; 1 for a string of raw bytes (Python 2)
  double real = 0;
  std::string_view text;               // string, bytes, name of a global, type name of a dict
  std::vector<Object*> items;          // list, tuple; of a dict: key, value, key, value ...
  std::unique_ptr<TensorSpec> tensor;  // storage, tensor, dtype
};

/// Runs one program. Objects and texts live as long as the unpickler and the program's bytes.
class Unpickler {
 public:
  /// `program` may go on behind the first pickle. `name`: the file, for errors.
  Unpickler(std::string_view program, std::string name, const PickleLimits& limits);

  /// Runs to STOP and gives the object on the stack. Errors: whatever is not on the lists, damage, limits.
  Object* run();

  /// Bytes of the program that run() used.
  std::size_t position() const { return position_; }

  /// Storages that were named, by key.
  const std::unordered_map<std::string, Object*>& storages() const { return storages_; }

 private:
  // -- the machine (unpickler.cpp)
  void step(unsigned char code);
  bool step_scalar(unsigned char code);
  bool step_text(unsigned char code);
  bool step_collection(unsigned char code);
  bool step_memo(unsigned char code);
  bool step_object(unsigned char code);
  std::string_view take(std::uint64_t num_bytes);
  std::uint64_t number(int num_bytes);
  std::string_view line();
  void push_text(Kind kind, int length_bytes);
  void push_raw_text(int length_bytes);
  void push_long();
  Object* push(Kind kind);
  void push_existing(Object* object);
  Object* pop();
  Object* top();
  std::vector<Object*> pop_to_mark();
  void make_tuple(std::vector<Object*> items);
  void append(std::vector<Object*> items);
  void set_items(std::vector<Object*> items);
  void memoize(std::uint64_t index);
  void recall(std::uint64_t index);
  void charge(std::uint64_t count);

  // -- what globals may do (pickle_globals.cpp)
  void push_global(std::string_view module, std::string_view global_name);
  void reduce(Object* callable, Object* arguments);
  void new_object(Object* type, Object* arguments);
  void build(Object* object, Object* state);
  void load_storage(Object* id);
  void rebuild_tensor(const std::vector<Object*>& arguments, bool has_hooks);
  void make_ordered_dict(const std::vector<Object*>& arguments);
  void make_dtype(const std::vector<Object*>& arguments);
  void make_numpy_scalar(const std::vector<Object*>& arguments);
  void encode_latin1(const std::vector<Object*>& arguments);
  void from_buffer(const std::vector<Object*>& arguments);
  void set_dtype_state(Object* object, Object* state);
  void set_array_state(Object* object, Object* state);
  void fill_array(Object* object, Object* shape, Object* dtype, Object* data, bool column_major);
  std::vector<std::int64_t> sizes_from(Object* tuple);
  [[noreturn]] void refuse(std::string_view what) const;
  void expect(bool condition, std::string_view what) const;

  std::string_view program_;
  std::string name_;
  PickleLimits limits_;
  std::size_t position_ = 0;
  bool done_ = false;
  std::uint64_t charged_ = 0;
  std::uint64_t owned_bytes_ = 0;
  std::deque<Object> objects_;
  std::deque<std::string> owned_texts_;
  std::vector<Object*> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Object*> memo_;  // by number; nullptr: not made
  std::uint64_t num_memos_ = 0;
  std::unordered_map<std::string, Object*> storages_;
};

}  // namespace soco::pickle

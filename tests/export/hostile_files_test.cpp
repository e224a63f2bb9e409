// SPDX-License-Identifier: MIT
// Files of weights made to do harm. Each is refused with an Error that names file and reason, and before memory is
// taken: the program's allocations are counted. The processor time of the slowest is printed, not asserted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <new>
#include <set>

#include "export/hostile_zip.h"
#include "export/pickle_programs.h"
#include "soco/base/error.h"
#include "soco/export/weights.h"
#include "testing/temp_dir.h"

namespace {

/// Bytes that operator new has given out and not taken back, their highest number, and the largest single request.
std::atomic<std::size_t> live_bytes{0}, peak_bytes{0}, largest_request{0};

void raise_to(std::atomic<std::size_t>& most, std::size_t value) {
  std::size_t seen = most.load();
  while (seen < value && !most.compare_exchange_weak(seen, value)) {
  }
}

void* counted_allocation(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  raise_to(largest_request, size);
  raise_to(peak_bytes, live_bytes += malloc_usable_size(memory));
  return memory;
}

void counted_release(void* memory) {
  if (memory != nullptr) live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return counted_allocation(size); }
void* operator new[](std::size_t size) { return counted_allocation(size); }
// All forms, since AddressSanitizer has its own of those that are left out and refuses the mixture.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return counted_allocation(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { counted_release(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { counted_release(memory); }
void operator delete(void* memory) noexcept { counted_release(memory); }
void operator delete[](void* memory) noexcept { counted_release(memory); }
void operator delete(void* memory, std::size_t) noexcept { counted_release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { counted_release(memory); }

namespace soco {
namespace {

using ::testing::HasSubstr;
using std::string_literals::operator""s;
using namespace testing;  // NOLINT(google-build-using-namespace): the pieces of pickles and zips

/// What pickle_reader.h promises: a quarter of a million objects and the memo of as many.
constexpr std::size_t kSmallConstant = 32u << 20;

struct HostileFile {
  std::string name;
  std::string extension;
  std::string bytes;
  std::string reason;  // part of the message
};
using Files = std::vector<HostileFile>;

std::string repeated(const std::string& part, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += part;
  return all;
}

const std::string kHuge = int8(0x7fffffffffffffff);
const std::string kZero = "K\0"s;

std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }

std::string plain(const std::string& body) { return kProtocol + body + "."; }

std::string archive(const std::string& body, const std::string& record = std::string(16, 'x')) {
  return zip_file({{.name = "x/data.pkl", .data = plain(body)}, {.name = "x/data/0", .data = record}});
}

/// Four floats, as the archive has them.
std::string tensor(const std::string& offset, const std::string& sizes, const std::string& strides) {
  return float_tensor("K\x04", offset, sizes, strides);
}
std::string storage_of(const std::string& numel) { return float_tensor(numel, kZero, "K\x01", "K\x01"); }

/// numpy's array of float32 with this shape and four bytes.
std::string numpy_array(const std::string& shape, const std::string& dtype = "f4",
                        const std::string& data =
                            "C\x04"
                            "abcd") {
  return global("numpy.core.multiarray", "_reconstruct") + "(" + global("numpy", "ndarray") + "(" + kZero + "tC\x01" +
         "btR(K\x01(" + shape + "t" + global("numpy", "dtype") + "(" + text(dtype) + "tR\x89" + data + "tb";
}

// ---- programs that would run something ----

Files running_programs() {
  Files files;
  const auto call = [&](const std::string& module, const std::string& name) {
    files.push_back({"calls_" + module + "." + name, ".pkl", plain(global(module, name) + "(" + text("true") + "tR"),
                     module + "." + name});
  };
  for (const auto& [module, name] :
       std::vector<std::pair<const char*, const char*>>{{"os", "system"},
                                                        {"posix", "system"},
                                                        {"nt", "system"},
                                                        {"subprocess", "Popen"},
                                                        {"builtins", "eval"},
                                                        {"builtins", "exec"},
                                                        {"__builtin__", "eval"},
                                                        {"builtins", "getattr"},
                                                        {"builtins", "__import__"},
                                                        {"importlib", "import_module"},
                                                        {"runpy", "run_path"},
                                                        {"operator", "attrgetter"},
                                                        {"functools", "partial"},
                                                        {"copyreg", "_reconstructor"},
                                                        {"copy_reg", "add_extension"},
                                                        {"pty", "spawn"},
                                                        {"socket", "create_connection"},
                                                        {"webbrowser", "open"},
                                                        {"pickle", "loads"},
                                                        {"torch", "load"},
                                                        {"torch.hub", "load"},
                                                        {"torch.jit._pickle", "restore_type_tag"},
                                                        {"torch.nn.modules.conv", "Conv2d"},
                                                        {"numpy", "load"},
                                                        {"numpy.core.multiarray", "fromfile"},
                                                        {"collections", "defaultdict"}})
    call(module, name);
  const auto add = [&](const std::string& name, const std::string& body, const std::string& reason) {
    files.push_back({name, ".pkl", plain(body), reason});
  };
  add("stack_global_system", text("os") + text("system") + "\x93" + "(" + text("true") + "tR", "os.system");
  add("stack_global_of_numbers", "K\x01K\x02\x93", "global without a name");
  add("inst_system", "(" + text("true") + "ios\nsystem\n", "opcode 0x69");
  add("obj_opcode", "(" + global("collections", "OrderedDict") + "o", "opcode 0x6f");
  add("newobj_of_popen", global("subprocess", "Popen") + ")\x81", "subprocess.Popen");
  add("newobj_of_storage", global("torch", "FloatStorage") + ")\x81", "class");
  add("newobj_with_arguments", global("argparse", "Namespace") + "(K\x01t\x81", "class");
  add("newobj_ex", global("argparse", "Namespace") + ")}\x92", "opcode 0x92");
  add("extension_1", "\x82\x01", "opcode 0x82");
  add("extension_2", "\x83\x01\x01", "opcode 0x83");
  add("extension_4", "\x84\x01\x01\x01\x01", "opcode 0x84");
  add("persistent_id_text", "P0\n", "opcode 0x50");
  add("persistent_id_of_string", text("storage") + "Q", "persistent id");
  add("persistent_id_module",
      "(" + text("module") + global("torch", "FloatStorage") + text("0") + text("cpu") + "K\x01tQ", "persistent id");
  add("persistent_id_short", "(" + text("storage") + "tQ", "persistent id");
  add("build_on_dict", "}}(" + text("__setstate__") + "K\x01ub", "state");
  add("build_on_list", "]}b", "state");
  add("build_with_list", global("argparse", "Namespace") + ")\x81]b", "not a dict");
  add("call_of_text", text("os.system") + ")R", "cannot be called");
  add("call_of_namespace", global("argparse", "Namespace") + ")R", "call of Namespace");
  add("call_of_storage_type", global("torch", "FloatStorage") + "(K\x04tR", "call of FloatStorage");
  add("class_as_value", global("collections", "OrderedDict"), "class");
  add("numpy_subclass",
      global("numpy.core.multiarray", "_reconstruct") + "(" + global("collections", "OrderedDict") + "tR",
      "plain array");
  add("numpy_objects", numpy_array("K\x01", "O8"), "O8");
  add("numpy_void", numpy_array("K\x01", "V8"), "V8");
  add("out_of_band_buffer", "\x97", "opcode 0x97");
  add("read_only_buffer", "\x98", "opcode 0x98");
  add("encode_as_zip", global("_codecs", "encode") + "(" + text("a") + text("zip") + "tR", "latin1");
  return files;
}

// ---- pickles that lie about sizes, or grow ----

/// A tuple of two of the one before, and so on: 2^depth values written out.
std::string doublings(int depth) {
  std::string body = "Nq\0"s;
  for (char i = 1; i <= depth; ++i) {
    const std::string before = "h" + std::string(1, static_cast<char>(i - 1));
    body += before + before + "\x86q" + std::string(1, i) + "0";
  }
  return body;
}

std::string list_doublings(int depth) {
  std::string body = "(]q\0"s;
  for (char i = 1; i <= depth; ++i) {
    const std::string before = "h" + std::string(1, static_cast<char>(i - 1)) + "a";
    body += "]q" + std::string(1, i) + before + before;
  }
  return body + "t";
}

Files growing_pickles() {
  Files files;
  const auto add = [&](const std::string& name, const std::string& body, const std::string& reason) {
    files.push_back({name, ".pkl", plain(body), reason});
  };
  add("text_of_4_gib", "X\xff\xff\xff\xff", "cut short");
  add("text_of_2_63", "\x8d" + little_endian(std::uint64_t{1} << 63, 8), "cut short");
  add("bytes_of_2_64", "\x8e" + std::string(8, '\xff'), "cut short");
  add("byte_array_of_2_64", "\x96" + std::string(8, '\xff'), "cut short");
  add("python2_text_of_4_gib", "T\xff\xff\xff\xff", "cut short");
  add("long_of_255_bytes", "\x8a\xff" + std::string(255, '\1'), "64 bits");
  add("long_of_2_31_bytes", "\x8b\xff\xff\xff\x7f", "opcode 0x8b");
  add("decimal_integer", "I1\n", "opcode 0x49");
  add("decimal_long", "L" + std::string(100'000, '9') + "L\n", "opcode 0x4c");
  add("dup", "N2", "opcode 0x32");
  add("global_without_end", "c" + std::string(100'000, 'a'), "without end");
  add("text_not_utf8", "X\x01\0\0\0\xff"s, "UTF-8");
  add("deep_marks", std::string(100'000, '(') + "N", "nesting deeper");
  add("deep_lists", repeated("]", 1001) + repeated("a", 1000), "nested deeper");
  add("deep_tuples", "N" + repeated("\x85", 100'000), "nested deeper");
  add("list_in_itself", "]q\1h\1a", "nested deeper");
  add("dict_in_itself", "}q\1K\1h\1s", "nested deeper");
  add("billion_laughs_of_lists", list_doublings(40), "values");
  add("million_values", "(" + std::string(1'000'000, 'N') + "t", "250000 values");
  add("million_lists", "(" + std::string(1'000'000, ']') + "t", "250000 values");
  add("million_memos", "N" + repeated("q\1", 500'000), "250000 values");
  add(
      "million_memo_slots",
      [] {
        std::string body = "N";
        for (std::uint64_t i = 0; i < 300'000; ++i) body += "r" + little_endian(i, 4);
        return body;
      }(),
      "250000 values");
  add("long_text_over_and_over", "(" + text(std::string(1 << 20, 'a')) + "q\1" + repeated("h\1", 100) + "t",
      "bytes of text");
  add("one_text_encoded_over_and_over",
      "(" + text(std::string(1 << 16, 'a')) + "q\1" + text("latin1") + "q\2" +
          repeated(global("_codecs", "encode") + "(h\1h\2tR", 20) + "t",
      "over and over");
  add("dict_without_value", "}(K\x01u", "no value");
  add("items_into_list", "](K\x01K\x02u", "not a dict");
  add("append_to_dict",
      "}K\x01"
      "a",
      "not a list");
  add("stack_underflow", "a", "more values");
  add("no_mark", "t", "mark");
  add("memo_that_was_not_made", "h\x05", "not made");
  add("values_left_over", "NN", "left over");
  add("mark_left_open", "N(", "left over");
  add("ordered_dict_of_a_number", global("collections", "OrderedDict") + "(K\x01tR", "list of pairs");
  add("ordered_dict_of_triples", global("collections", "OrderedDict") + "(](NNNtatR", "pair of another length");
  add("numpy_shape_beyond_data", numpy_array("K\x02"), "needs 8 bytes");
  add("numpy_shape_of_2_189", numpy_array(kHuge + kHuge + kHuge), "huge");
  add("numpy_shape_negative", numpy_array(int4(0xffffffff)), "whole numbers");
  add("numpy_shape_of_2_64", numpy_array(int8(1ull << 32) + int8(1ull << 32)), "huge");
  add("numpy_17_dimensions", numpy_array(repeated("K\x01", 17)), "at most 16");
  add("numpy_big_endian", global("numpy", "dtype") + "(" + text("f4") + "tR(K\x03" + text(">") + "tb", "byte order");
  add("numpy_data_is_a_list", numpy_array("K\x01", "f4", "]"), "not bytes");
  add("numpy_scalar_of_another_size",
      global("numpy.core.multiarray", "scalar") + "(" + global("numpy", "dtype") + "(" + text("f8") +
          "tRC\x04"
          "abcdtR",
      "another size");
  add("storages_in_a_plain_pickle", "}(" + text("w") + storage_of("K\x04") + "u", "plain pickle");
  add("number_instead_of_a_dict", "K\x07", "dict of tensors");
  add("empty_dict", "}", "none of its 0 tensors");
  files.push_back({"no_stop", ".pkl", kProtocol + "N", "cut short"});
  files.push_back({"bytes_behind_the_end", ".pkl", plain("}") + "N.", "bytes behind"});
  files.push_back({"protocol_0", ".pkl", "(dp0\n.", "protocol 2"});
  files.push_back({"protocol_255", ".pkl", "\x80\xff}.", "protocol 255"});
  files.push_back({"empty_file", ".pkl", "", "protocol 2"});
  files.push_back({"tuple_doublings_with_pop", ".pkl", plain(doublings(40)), "opcode 0x30"});
  return files;
}

// ---- tensors that reach where they should not ----

Files lying_tensors() {
  Files files;
  const auto add = [&](const std::string& name, const std::string& body, const std::string& reason,
                       const std::string& record = std::string(16, 'x')) {
    files.push_back({name, ".pth", archive(body, record), reason});
  };
  add("storage_larger_than_its_record", storage_of(int4(1'000'000)), "16 bytes");
  add("storage_smaller_than_its_record", storage_of("K\x03"), "16 bytes");
  add("storage_of_2_63", storage_of(kHuge), "16 bytes");
  add("storage_of_2_62_bytes_wrap_to_16", storage_of(int8((1ull << 62) + 4)), "16 bytes");
  add("storage_negative", storage_of(int4(0xffffffff)), "negative size");
  add("record_of_half_an_element", storage_of("K\x04"), "17 bytes", std::string(17, 'x'));
  add("record_missing",
      "ctorch._utils\n_rebuild_tensor_v2\n(" + storage("K\x04", "FloatStorage", "../../etc/passwd") + kZero +
          "(t(t\x89)tR",
      "is missing");
  add("storage_of_two_types", "(" + storage("K\x04") + storage("K\x04", "IntStorage") + "t", "two types");
  add("storage_of_two_sizes", "(" + storage("K\x04") + storage("K\x05") + "t", "two sizes");
  add("storage_of_complex_numbers", storage("K\x02", "ComplexFloatStorage"), "ComplexFloatStorage");
  add("storage_as_value", storage("K\x04"), "storage by itself");
  add("storage_key_is_a_number",
      "(" + text("storage") + global("torch", "FloatStorage") + "K\x01" + text("cpu") + "K\x04tQ", "persistent id");
  add("view_behind_its_storage", tensor("K\x04", "", ""), "outside");
  add("view_over_the_end", tensor("K\x01", "K\x04", "K\x01"), "outside");
  add("offset_negative", tensor(int4(0xffffffff), "K\x02", "K\x01"), "negative offset");
  add("offset_of_2_63", tensor(kHuge, "K\x01", "K\x01"), "outside");
  add("stride_negative", tensor(kZero, "K\x02", int4(0xffffffff)), "whole numbers");
  add("stride_over_the_end", tensor(kZero, "K\x02K\x02", "K\x03K\x01"), "outside");
  add("stride_of_2_63", tensor(kZero, "K\x03", kHuge), "outside");
  add("size_negative", tensor(kZero, int4(0xffffffff), "K\x01"), "whole numbers");
  add("size_is_a_real", tensor(kZero, "G\x40\0\0\0\0\0\0\0"s, "K\x01"), "whole numbers");
  add("sizes_without_strides", tensor(kZero, "K\x02", ""), "strides");
  add("shape_of_2_126", tensor(kZero, kHuge + kHuge, kHuge + kHuge), "outside");
  add("shape_of_2_64_wraps_to_0", tensor(kZero, int8(1ull << 32) + int8(1ull << 32), kZero + kZero), "outside");
  add("shape_of_2_63_by_stride_0", tensor(kZero, kHuge, kZero), "larger than the file");
  add("shape_of_8_gib_by_stride_0", tensor(kZero, int4(0x7fffffff), kZero), "larger than the file");
  add("many_expanded_tensors", "(" + repeated(tensor(kZero, int4(100'000), kZero), 20) + "t", "larger than the file");
  add("tensor_from_a_list", "ctorch._utils\n_rebuild_tensor_v2\n(]" + kZero + "(t(t\x89)tR", "not made from a storage");
  add("tensor_with_too_few_arguments", "ctorch._utils\n_rebuild_tensor_v2\n(" + storage("K\x04") + "tR", "not made");
  add("parameter_from_a_number", "ctorch._utils\n_rebuild_parameter\n(K\x01\x88)tR", "not made from a tensor");
  add("os_system_in_an_archive", "cos\nsystem\n(" + text("true") + "tR", "os.system");
  return files;
}

// ---- zip archives ----

Files lying_zips() {
  const ZipRecord program{.name = "x/data.pkl", .data = plain("}")};
  Files files;
  const auto add = [&](const std::string& name, const std::string& bytes, const std::string& reason) {
    files.push_back({name, ".pth", bytes, reason});
  };
  const auto changed = [&](const auto& change) {
    ZipRecord record = program;
    change(record);
    return zip_file({record});
  };
  add("zip_record_twice", zip_file({program, program}), "occurs twice");
  add("zip_records_overlap", zip_file({program, {.name = "x/data.pkl", .data = program.data, .offset = 0}}), "twice");
  add("zip_directory_names_one_record_as_two",
      zip_file({program, {.name = "x/data/00", .data = program.data, .offset = 0, .local_name = ""}}),
      "does not start where");
  // The second record's header lies in the first one's data.
  const std::string inner = zip_file({{.name = "x/data/0", .data = std::string(16, 'y')}});
  add("zip_record_within_a_record",
      zip_file(
          {{.name = "x/data.pkl", .data = inner}, {.name = "x/data/0", .data = std::string(16, 'y'), .offset = 40}}),
      "share bytes");
  add("zip_bomb", changed([](ZipRecord& r) { r.method = 8, r.size = 0xfffffff0; }), "compressed");
  add("zip_compressed", changed([](ZipRecord& r) { r.method = 8; }), "compressed");
  add("zip_method_unknown", changed([](ZipRecord& r) { r.method = 99; }), "compressed");
  add("zip_encrypted", changed([](ZipRecord& r) { r.flags = 1; }), "encrypted");
  add("zip_stored_of_two_sizes", changed([](ZipRecord& r) { r.size = 1 << 30; }), "compressed");
  add("zip_record_of_4_gib", changed([](ZipRecord& r) { r.size = r.packed_size = 0xfffffff0; }), "does not fit");
  add("zip_record_outside", zip_file({program, {.name = "x/data/0", .data = "", .offset = 1 << 20}}),
      "outside the file");
  add("zip_local_name_differs", changed([](ZipRecord& r) { r.local_name = "x/data.pkx"; }), "does not start where");
  add("zip_checksum_differs", changed([](ZipRecord& r) { r.crc = 1; }), "checksum differs");
  add("zip_of_two_disks", changed([](ZipRecord& r) { r.disk = 1; }), "several parts");
  add("zip_end_of_two_disks", zip_file({program}, {.disk = 1}), "several parts");
  add("zip_with_comment", zip_file({program}, {.comment = "x"}), "no zip directory");
  add("zip_counts_too_many", zip_file({program}, {.num_records = 2}), "cannot hold");
  add("zip_counts_too_few", zip_file({program, {.name = "x/data/0", .data = ""}}, {.num_records = 1}),
      "more than its 1");
  add("zip_counts_65534", zip_file({program}, {.num_records = 65534}), "cannot hold");
  add("zip_directory_elsewhere", zip_file({program}, {.directory_offset = 0}), "does not end where");
  add("zip_directory_of_4_gib", zip_file({program}, {.directory_size = 0xfffffff0}), "does not end where");
  add("zip_zip64_without_its_record", zip_file({program}, {.directory_size = 0xffffffff}), "zip64");
  add("zip_empty", "PK\x03\x04" + zip_file({}), "does not end where");
  add("zip_of_something_else", zip_file({{.name = "photo.jpg", .data = "x"}}), "no data.pkl");
  add("zip_of_torch_script", zip_file({program, {.name = "x/constants.pkl", .data = plain(")")}}), "TorchScript");
  add("zip_big_endian", zip_file({program, {.name = "x/byteorder", .data = "big"}}), "byte order");
  add("zip_program_with_a_tail", zip_file({{.name = "x/data.pkl", .data = plain("}") + "N."}}), "bytes behind");
  return files;
}

// ---- files of torch.save before 1.6 ----

const std::string kLegacyMagic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
const std::string kLegacyVersion = plain("M\xe9\x03");
const std::string kLegacyMachine = plain("}(" + text("little_endian") + "\x88u");

std::string legacy(const std::string& storages, const std::string& keys = "](" + text("0") + "e",
                   const std::string& version = kLegacyVersion, const std::string& machine = kLegacyMachine) {
  return kLegacyMagic + version + machine + plain("}(" + text("conv1.weight") + tensor(kZero, "K\x04", "K\x01") + "u") +
         plain(keys) + storages;
}

Files lying_legacy_files() {
  const std::string storage = little_endian(4, 8) + std::string(16, 'x');
  Files files;
  const auto add = [&](const std::string& name, const std::string& bytes, const std::string& reason) {
    files.push_back({"legacy_" + name, ".pth", bytes, reason});
  };
  add("unknown_version", legacy(storage, "](" + text("0") + "e", plain("M\xea\x03")), "unknown version");
  add("big_endian",
      legacy(storage, "](" + text("0") + "e", kLegacyVersion, plain("}(" + text("little_endian") + "\x89u")),
      "other byte order");
  add("machine_is_a_list", legacy(storage, "](" + text("0") + "e", kLegacyVersion, plain("]")), "properties");
  add("keys_are_a_dict", legacy(storage, "}"), "list of storages");
  add("key_of_no_tensor", legacy(storage, "](" + text("1") + "e"), "belongs to no tensor");
  add("storage_twice", legacy(storage + storage, "](" + text("0") + text("0") + "e"), "occurs twice");
  add("storage_without_key", legacy("", "]"), "is missing");
  add("storage_of_2_64", legacy(std::string(8, '\xff') + std::string(16, 'x')), "another size");
  add("storage_larger_than_it_says", legacy(little_endian(5, 8) + std::string(20, 'x')), "another size");
  add("tail", legacy(storage + "x"), "behind the last storage");
  add("cut_in_magic", kLegacyMagic.substr(0, 10), "64 bits");
  add("cut_before_version", kLegacyMagic, "protocol 2");
  add("cut_in_machine", (kLegacyMagic + kLegacyVersion + kLegacyMachine).substr(0, 30), "cut short");
  add("cut_before_storages", legacy(""), "truncated");
  add("cut_in_storage", legacy(storage.substr(0, 20)), "truncated");
  return files;
}

// ---- safetensors ----

std::string safetensors(const std::string& header, const std::string& data = "") {
  return little_endian(header.size(), 8) + header + data;
}
std::string entry(const std::string& name, const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}";
}

Files lying_safetensors() {
  const std::string four(4, 'x'), eight(8, 'x');
  Files files;
  const auto add = [&](const std::string& name, const std::string& bytes, const std::string& reason) {
    files.push_back({"safetensors_" + name, ".safetensors", bytes, reason});
  };
  const auto one = [](const std::string& item, const std::string& data) { return safetensors("{" + item + "}", data); };
  add("empty", "", "too few");
  add("header_of_2_64", std::string(8, '\xff') + "{}", "header of");
  add("header_of_100_mb", little_endian(100'000'000, 8) + "{}", "header of");
  add("header_longer_than_the_file", little_endian(3, 8) + "{}", "header of");
  add("header_cut", safetensors("{" + entry("a", "1", "0,4") + "}", four).substr(0, 30), "header of");
  add("data_cut", one(entry("a", "1", "0,4"), "xxx"), "truncated");
  add("data_too_long", one(entry("a", "1", "0,4"), eight), "behind the last");
  add("not_json", safetensors("{not json}"), "not valid JSON");
  add("list", safetensors("[]"), "does not start");
  add("zero_byte", safetensors("{}\0{}"s), "zero byte");
  add("two_objects", safetensors("{}{}"), "not valid JSON");
  add("deep_json", safetensors("{\"a\":" + repeated("[", 100'000)), "nests deeper");
  add("name_twice", one(entry("a", "1", "0,4") + "," + entry("a", "1", "4,8"), eight), "twice");
  add("name_not_utf8", one(entry("\xff", "1", "0,4"), four), "not valid JSON");
  add("offsets_overlap", one(entry("a", "1", "0,4") + "," + entry("b", "1", "2,6"), std::string(6, 'x')), "overlaps");
  add("offsets_of_the_same_bytes", one(entry("a", "1", "0,4") + "," + entry("b", "1", "0,4"), four), "overlaps");
  add("offsets_with_a_gap", one(entry("a", "1", "0,4") + "," + entry("b", "1", "5,9"), std::string(9, 'x')),
      "belong to none");
  add("offsets_backwards", one(entry("a", "1", "4,0"), four), "backwards");
  add("offsets_negative", one(entry("a", "1", "-4,0"), four), "whole numbers");
  add("offsets_real", one(entry("a", "1", "0,4.0"), four), "whole numbers");
  add("offsets_of_2_64", one(entry("a", "1", "0,99999999999999999999"), four), "whole numbers");
  add("offsets_outside", one(entry("a", "2305843009213693951", "0,9223372036854775804"), four), "truncated");
  add("one_offset", one(entry("a", "1", "0"), four), "two data_offsets");
  add("shape_beyond_data", one(entry("a", "2", "0,4"), four), "need 8 bytes");
  add("shape_of_2_64_wraps_to_0", one(entry("a", "4294967296,4294967296", "0,0"), ""), "shape too large");
  add("shape_of_2_63", one(entry("a", "9223372036854775808", "0,0"), ""), "shape too large");
  add("shape_negative", one(entry("a", "-1", "0,4"), four), "whole numbers");
  add("type_unknown", one(entry("a", "1", "0,4", "F99"), four), "not supported");
  add("entry_is_a_number", safetensors("{\"a\":1}"), "expected exactly");
  add("metadata_of_numbers", safetensors("{\"__metadata__\":{\"a\":1}}"), "strings only");
  add("metadata_is_a_list", safetensors("{\"__metadata__\":[]}"), "object of strings");
  add("no_weights", safetensors("{}"), "none of its 0 tensors");
  add("checksum_alone", safetensors("{\"__metadata__\":{\"soco.xxh3\":\"0\"}}"), "checksums is missing");
  add("checksum_wrong", safetensors("{\"__metadata__\":{\"soco.xxh3\":\"0\",\"soco.header_xxh3\":\"0\"}}"), "damaged");
  return files;
}

// ---- state dicts of other networks ----

Files lying_state_dicts() {
  const std::string float1 = tensor(kZero, "K\x01", "K\x01");
  Files files;
  const auto add = [&](const std::string& name, const std::string& entries, const std::string& reason) {
    files.push_back({"state_" + name, ".pth", archive("}(" + entries + "u"), reason});
  };
  add("of_no_network", text("w") + float1, "the first is 'w'");
  add("name_twice", text("conv1.weight") + float1 + text("conv1.weight") + float1, "occurs twice");
  add("one_convolution", text("conv1.weight") + float1, "0 blocks in res4");
  add("million_blocks", text("conv1.weight") + float1 + text("layer3.999999.conv1.weight") + float1, "1000000 blocks");
  add("name_with_control_characters", text("\x1b[2J") + float1, "\\x1b");
  add("numbers_beyond_int", text("conv1.weight") + float1 + text("layer3.99999999999999999999.conv1.weight") + float1,
      "0 blocks");
  return files;
}

/// Whole files, cut in every region: headers, program, directory, data, the last byte.
Files cut_files() {
  Files files;
  const auto cut = [&](const std::string& extension, const std::string& good) {
    for (std::size_t tenth = 1; tenth <= 10; ++tenth)
      files.push_back({"cut_at_tenth_" + std::to_string(tenth) + extension, extension,
                       good.substr(0, tenth * (good.size() - 1) / 10), ""});
  };
  cut(".pth", archive("}(" + text("w") + storage_of("K\x04") + "u"));
  cut(".pkl", plain("}(" + text("w") + numpy_array("K\x01") + "u"));
  cut(".safetensors", safetensors("{" + entry("a", "4", "0,16") + "}", std::string(16, 'x')));
  return files;
}

Files all_files() {
  Files files;
  for (const Files& some : {running_programs(), growing_pickles(), lying_tensors(), lying_zips(), lying_legacy_files(),
                            lying_safetensors(), lying_state_dicts(), cut_files()})
    files.insert(files.end(), some.begin(), some.end());
  return files;
}

struct Refusal {
  std::string message;  // empty: read without an error
  std::size_t peak = 0, largest = 0;
  double milliseconds = 0;
};

Refusal read_counted(const std::filesystem::path& path) {
  Refusal refusal;
  const std::size_t before = live_bytes;
  peak_bytes = before;
  largest_request = 0;
  const std::clock_t start = std::clock();
  try {
    read_weights(path);
  } catch (const Error& error) {
    refusal.message = error.what();
  }
  refusal.milliseconds = 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  refusal.peak = peak_bytes - before;
  refusal.largest = largest_request;
  return refusal;
}

TEST(HostileFiles, AreRefusedByNameBeforeMemoryIsTaken) {
  TempDir dir;
  const Files files = all_files();
  std::set<std::string> names, contents;
  double slowest = 0;
  std::size_t peak = 0;
  std::string slowest_name, peak_name;
  for (const HostileFile& file : files) {
    SCOPED_TRACE(file.name);
    EXPECT_TRUE(names.insert(file.name).second);
    EXPECT_TRUE(contents.insert(file.bytes + file.extension).second) << "the same file twice";
    const auto path = dir / ("hostile" + file.extension);
    std::ofstream(path, std::ios::binary) << file.bytes;
    const Refusal refusal = read_counted(path);
    EXPECT_THAT(refusal.message, HasSubstr(path.string()));
    EXPECT_THAT(refusal.message, HasSubstr(file.reason));
    EXPECT_LE(refusal.peak, file.bytes.size() + kSmallConstant);
    EXPECT_LE(refusal.largest, file.bytes.size() + kSmallConstant / 4);
    if (refusal.milliseconds > slowest) slowest = refusal.milliseconds, slowest_name = file.name;
    if (refusal.peak > peak) peak = refusal.peak, peak_name = file.name;
  }
  EXPECT_GE(files.size(), 100u);
  std::printf("%zu files; slowest %.1f ms of processor time (%s); most memory %.1f MiB (%s)\n", files.size(), slowest,
              slowest_name.c_str(), static_cast<double>(peak) / (1 << 20), peak_name.c_str());
}

/// The allocations are counted: what the test above rests on.
TEST(HostileFiles, CountsAllocations) {
  const std::size_t before = live_bytes;
  peak_bytes = before;
  { const std::vector<char> memory(1 << 20); }
  EXPECT_GE(peak_bytes - before, std::size_t{1} << 20);
  EXPECT_EQ(live_bytes, before);
}

}  // namespace
}  // namespace soco

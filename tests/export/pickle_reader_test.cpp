// SPDX-License-Identifier: MIT
#include "soco/export/pickle_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "export/pickle_programs.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/zip_archive.h"
#include "soco/export/pickle_writer.h"
#include "testing/error_of.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using std::string_literals::operator""s;
using testing::error_of;
using testing::float_tensor;
using testing::int4;
using testing::kProtocol;
using testing::TempDir;
using testing::text;

/// Reads a PyTorch archive of this program with storage "0" of so many bytes.
PickleValue read_archive(const std::string& body, std::size_t storage_bytes, const PickleLimits& limits = {}) {
  TempDir dir;
  ZipWriter zip(dir / "x.pth");
  zip.add("x/data.pkl", bytes_of(kProtocol + body + "."));
  std::vector<std::byte> storage(storage_bytes);
  for (std::size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<std::byte>(i);
  zip.add("x/data/0", storage);
  zip.finish();
  return read_pickle_file(dir / "x.pth", limits);
}

PickleValue read_plain(const std::string& program, const PickleLimits& limits = {}) {
  TempDir dir;
  std::ofstream(dir / "x.pkl", std::ios::binary) << program;
  return read_pickle_file(dir / "x.pkl", limits);
}

std::string archive_error(const std::string& body, std::size_t storage_bytes) {
  return error_of([&] { read_archive(body, storage_bytes); });
}

std::string plain_error(const std::string& body, const PickleLimits& limits = {}) {
  return error_of([&] { read_plain(kProtocol + body + ".", limits); });
}

// ---- what is allowed ----

TEST(PickleReader, GathersStridedTensors) {
  // Elements are the bytes 0..5; a 3x2 view of the transposed 2x3 matrix.
  const PickleValue value = read_archive(float_tensor("K\x06", "K\x00"s, "K\x03K\x02", "K\x01K\x03", "ByteStorage"), 6);
  const HostTensor& tensor = **value.get_if<PickleValue::Tensor>();
  EXPECT_EQ(tensor, HostTensor::from<std::uint8_t>({3, 2}, {0, 3, 1, 4, 2, 5}));
}

TEST(PickleReader, CutsPartsOfStorages) {
  const PickleValue value = read_archive(float_tensor("K\x06", "K\x02", "K\x03", "K\x01", "ByteStorage"), 6);
  EXPECT_EQ(**value.get_if<PickleValue::Tensor>(), HostTensor::from<std::uint8_t>({3}, {2, 3, 4}));
}

TEST(PickleReader, ParametersAreTheirTensors) {
  const PickleValue value =
      read_archive("ctorch._utils\n_rebuild_parameter\n(" + float_tensor("K\x01", "K\x00"s, "", "") + "\x88" +
                       "ccollections\nOrderedDict\n)RtR",
                   4);
  EXPECT_TRUE((*value.get_if<PickleValue::Tensor>())->shape.empty());
}

TEST(PickleReader, NamespaceBecomesAnOpaqueDict) {
  const PickleValue value = read_plain(kProtocol + "cargparse\nNamespace\n)\x81}(" + text("lr") + "K\x02ub.");
  EXPECT_EQ(value.type_name(), "argparse.Namespace");
  EXPECT_EQ(*value.find("lr")->get_if<std::int64_t>(), 2);
}

TEST(PickleReader, LongsKeepTheirSign) {
  EXPECT_EQ(*read_plain(kProtocol + "\x8a\x01\xff.").get_if<std::int64_t>(), -1);
  EXPECT_EQ(*read_plain(kProtocol + "\x8a\x02\xff\x00."s).get_if<std::int64_t>(), 255);
  EXPECT_EQ(*read_plain(kProtocol + "\x8a\x00."s).get_if<std::int64_t>(), 0);
}

TEST(PickleReader, ProtocolFourWithFramesAndMemo) {
  const PickleValue value = read_plain("\x80\x04\x95\x08\0\0\0\0\0\0\0}\x94(\x8c\x01"s + "a\x94h\x01u.");
  EXPECT_EQ(*value.find("a")->get_if<std::string>(), "a");
}

TEST(PickleReader, ExtractionTellsWhatIsNoTensor) {
  PickleValue::Dict dict;
  set_item(dict, "w", PickleValue(std::make_shared<const HostTensor>(HostTensor::from<float>({}, {1}))));
  set_item(dict, "epoch", PickleValue(3));
  const auto found = extract_state_dict(PickleValue(dict), "x");
  EXPECT_EQ(found.tensors.size(), 1u);
  EXPECT_THAT(found.skipped, ::testing::ElementsAre("epoch (int)"));
  set_item(dict, "w", PickleValue(1));
  EXPECT_THROW(extract_state_dict(PickleValue(1), "x"), Error);
}

// ---- what is refused ----

struct Hostile {
  const char* what;
  std::string body;
  const char* message;
};

class PickleReaderRefuses : public ::testing::TestWithParam<Hostile> {};

TEST_P(PickleReaderRefuses, ByName) { EXPECT_THAT(plain_error(GetParam().body), HasSubstr(GetParam().message)); }

INSTANTIATE_TEST_SUITE_P(
    Cases, PickleReaderRefuses,
    ::testing::Values(
        Hostile{"os_system", "cos\nsystem\n(" + text("true") + "tR", "os.system"},
        Hostile{"posix_by_stack_global", text("posix") + text("system") + "\x93", "posix.system"},
        Hostile{"eval", "cbuiltins\neval\n", "builtins.eval"}, Hostile{"python2_eval", "c__builtin__\neval\n", "eval"},
        Hostile{"getattr", "c__builtin__\ngetattr\n", "getattr"},
        Hostile{"torch_function", "ctorch.hub\nload\n", "torch.hub.load"},
        Hostile{"torch_jit", "ctorch.jit._pickle\nrestore_type_tag\n", "restore_type_tag"},
        Hostile{"object_array", "cnumpy\ndtype\n(" + text("O8") + "\x89\x88tR", "O8"},
        Hostile{"inst_opcode", "(ios\nsystem\n", "opcode 0x69"}, Hostile{"obj_opcode", "(o", "opcode 0x6f"},
        Hostile{"extension_opcode", "\x82\x01", "opcode 0x82"}, Hostile{"newobj_ex", "\x92", "opcode 0x92"},
        Hostile{"text_global_as_callable", text("x") + ")R", "cannot be called"},
        Hostile{"class_call_not_allowed", "cargparse\nNamespace\n)R", "call of Namespace"},
        Hostile{"new_tensor_class", "ctorch\nFloatStorage\n)\x81", "class"},
        Hostile{"build_on_plain_dict", "}}b", "state"}, Hostile{"build_on_list", "]}b", "state"},
        Hostile{"items_into_list", "](K\x01K\x02u", "not a dict"},
        Hostile{"append_to_dict",
                "}K\x01"
                "a",
                "not a list"},
        Hostile{"odd_items", "}(K\x01u", "no value"}, Hostile{"empty_stack", "a", "more values"},
        Hostile{"no_mark", "t", "mark"}, Hostile{"dangling_memo", "h\x05", "not made"},
        Hostile{"two_results", "NN", "left over"}, Hostile{"open_mark", "N(", "left over"},
        Hostile{"long_of_many_bytes", "\x8a\xff" + std::string(255, '\1'), "64 bits"},
        Hostile{"text_not_utf8", "X\x01\0\0\0\xff"s, "UTF-8"},
        Hostile{"bare_class", "ccollections\nOrderedDict\n", "class"},
        Hostile{"persistent_id_of_text", text("storage") + "Q", "persistent id"},
        Hostile{"endless_global", "c" + std::string(1000, 'a'), "without end"},
        Hostile{"big_endian_dtype", "cnumpy\ndtype\n(" + text("f4") + "tR(K\x03" + text(">") + "tb", "byte order"}),
    [](const auto& info) { return std::string(info.param.what); });

TEST(PickleReader, CutProgramsAreRefusedAtEveryLength) {
  TempDir dir;
  PickleValue::Dict dict;
  set_item(dict, "w", PickleValue(std::make_shared<const HostTensor>(HostTensor::from<float>({2}, {1, 2}))));
  write_numpy_pickle(dir / "x.pkl", PickleValue(dict));
  const std::string good = read_text_file(dir / "x.pkl");
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_THROW(read_plain(good.substr(0, length)), Error) << length;
  EXPECT_THROW(read_plain(good + "x"), Error);
}

TEST(PickleReader, LengthsBeyondTheFileAreRefusedBeforeMemoryIsTaken) {
  EXPECT_THAT(plain_error("X\xff\xff\xff\xff"), HasSubstr("cut short"));
  EXPECT_THAT(plain_error("\x8e" + std::string(8, '\xff')), HasSubstr("cut short"));
}

TEST(PickleReader, StorageSizeThatIsNotItsRecordsIsRefused) {
  const auto one_dim = [](const std::string& numel) { return float_tensor(numel, "K\x00"s, numel, "K\x01"); };
  EXPECT_EQ(archive_error(one_dim("K\x04"), 16), "");
  EXPECT_THAT(archive_error(one_dim(int4(1'000'000)), 108), HasSubstr("108 bytes"));  // reads far outside in libtorch
  EXPECT_THAT(archive_error(one_dim("K\x04"), 17), HasSubstr("17 bytes"));
  EXPECT_THAT(archive_error(one_dim("K\x03"), 16), HasSubstr("16 bytes"));
  EXPECT_THAT(archive_error(one_dim("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), 16), HasSubstr("16 bytes"));
  EXPECT_THAT(archive_error(one_dim(int4(0xffffffff)), 16), HasSubstr("negative"));
}

TEST(PickleReader, TensorsOutsideTheirStorageAreRefused) {
  const auto with = [](const std::string& offset, const std::string& sizes, const std::string& strides) {
    return archive_error(float_tensor("K\x04", offset, sizes, strides), 16);
  };
  EXPECT_EQ(with("K\x00"s, "K\x02K\x02", "K\x02K\x01"), "");
  EXPECT_THAT(with("K\x01", "K\x04", "K\x01"), HasSubstr("outside"));
  EXPECT_THAT(with("K\x04", "", ""), HasSubstr("outside"));
  EXPECT_THAT(with("K\x00"s, "K\x02K\x02", "K\x03K\x01"), HasSubstr("outside"));
  EXPECT_THAT(with("K\x00"s, "K\x02", int4(0xffffffff)), HasSubstr("whole numbers"));
  EXPECT_THAT(with(int4(0xffffffff), "K\x02", "K\x01"), HasSubstr("negative"));
  EXPECT_THAT(with("K\x00"s, "K\x02", ""), HasSubstr("strides"));
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_THAT(with("K\x00"s, huge + huge, huge + huge), HasSubstr("outside"));
}

/// Strides of zero repeat one element: shape without bytes in the file.
TEST(PickleReader, HugeExpandedShapesAreRefused) {
  const auto expanded = [](const std::string& size) {
    return archive_error(float_tensor("K\x04", "K\x00"s, size, "K\x00"s), 16);
  };
  EXPECT_EQ(expanded("K\x09"), "");
  EXPECT_THAT(expanded(int4(0x7fffffff)), HasSubstr("larger than the file"));
}

TEST(PickleReader, MissingAndDuplicateRecordsAreRefused) {
  TempDir dir;
  const std::string program = kProtocol + float_tensor("K\x01", "K\x00"s, "", "") + ".";
  ZipWriter missing(dir / "a.pth");
  missing.add("x/data.pkl", bytes_of(program));
  missing.finish();
  EXPECT_THAT(error_of([&] { read_pickle_file(dir / "a.pth"); }), HasSubstr("'0' is missing"));
  ZipWriter twice(dir / "b.pth");
  twice.add("x/data.pkl", bytes_of(program));
  twice.add("x/data.pkl", bytes_of(program));
  twice.finish();
  EXPECT_THAT(error_of([&] { read_pickle_file(dir / "b.pth"); }), HasSubstr("occurs twice"));
  ZipWriter script(dir / "c.pth");
  script.add("x/data.pkl", bytes_of(program));
  script.add("x/constants.pkl", bytes_of(program));
  script.finish();
  EXPECT_THAT(error_of([&] { read_pickle_file(dir / "c.pth"); }), HasSubstr("TorchScript"));
}

TEST(PickleReader, OneStorageWithTwoTypesIsRefused) {
  EXPECT_THAT(archive_error("(" + float_tensor("K\x01", "K\x00"s, "", "") +
                                float_tensor("K\x01", "K\x00"s, "", "", "IntStorage") + "t",
                            4),
              HasSubstr("two types"));
}

TEST(PickleReader, DeepNestingIsRefused) {
  EXPECT_THAT(plain_error(std::string(100'000, '(') + "N"), HasSubstr("nesting deeper"));
  std::string lists = "]";  // each round puts the list so far into a new one
  for (int i = 0; i < 1000; ++i) lists = "]" + lists;
  EXPECT_THAT(plain_error(lists + std::string(1000, 'a')), HasSubstr("nested deeper"));
}

/// A list that holds itself, and lists that hold the one before twice (2^40 values when written out).
TEST(PickleReader, CyclesAndDoublingsAreRefused) {
  EXPECT_THAT(plain_error("]q\x01h\x01"
                          "a"),
              HasSubstr("nested deeper"));
  std::string doubling = "]q";
  doubling += '\0';
  for (char i = 1; i <= 40; ++i) {
    doubling += "]q"s + i + "h" + static_cast<char>(i - 1) + "ah" + static_cast<char>(i - 1) + "a";
  }
  EXPECT_THAT(plain_error("(" + doubling + "t", {.max_values = 10'000}), HasSubstr("values"));
}

TEST(PickleReader, LimitsAreErrorsThatNameThem) {
  EXPECT_THAT(error_of([] { read_plain(kProtocol + "(" + std::string(200, 'N') + "t.", {.max_values = 100}); }),
              HasSubstr("100 values"));
  EXPECT_THAT(error_of([] { read_plain(kProtocol + "(" + text("abcdef") + "q\x01h\x01t.", {.max_text_bytes = 10}); }),
              HasSubstr("10 bytes of text"));
  EXPECT_THAT(error_of([] { read_archive("N", 4, {.max_pickle_bytes = 3}); }), HasSubstr("limit 3"));
}

TEST(PickleReader, NumpyShapesThatLieAreRefused) {
  const auto array = [](const std::string& shape) {
    return plain_error("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01"s + "btR(K\x01(" + shape +
                       "tcnumpy\ndtype\n(" + text("f4") + "tR\x89" + "C\x04" + "abcdtb");
  };
  EXPECT_EQ(array("K\x01"), "");
  EXPECT_THAT(array("K\x02"), HasSubstr("needs 8 bytes"));
  EXPECT_THAT(array(int4(0x7fffffff) + int4(0x7fffffff) + int4(0x7fffffff)), HasSubstr("huge"));
  EXPECT_THAT(array("N"), HasSubstr("whole numbers"));
}

/// Whatever the bytes become, reading gives a value or an error; the sanitizers' build watches what else it might do.
TEST(PickleReader, DamageNeverDoesMoreThanFail) {
  TempDir dir;
  PickleValue::Dict dict;
  const HostTensor tensor = HostTensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  set_item(dict, "w", PickleValue(std::make_shared<const HostTensor>(tensor)));
  set_item(dict, "n", PickleValue(3));
  write_numpy_pickle(dir / "x.pkl", PickleValue(dict));
  write_torch_file(dir / "x.pth", PickleValue(dict));
  int num_refused = 0;
  for (const char* name : {"x.pkl", "x.pth"}) {
    const std::string good = read_text_file(dir / name);
    for (std::size_t i = 0; i < good.size(); ++i) {
      if (good[i] == 'Z') continue;  // padding between the records
      std::string bad = good;
      bad[i] = i % 3 == 0 ? '\xff' : static_cast<char>(good[i] + 1);
      std::ofstream(dir / "bad", std::ios::binary) << bad;
      num_refused += error_of([&] { read_pickle_file(dir / "bad"); }).empty() ? 0 : 1;
    }
  }
  EXPECT_GT(num_refused, 500);
}

/// The zip's checksum hides damage to the program from the machine, so the program is damaged before it is packed.
TEST(PickleReader, DamagedTorchProgramsNeverDoMoreThanFail) {
  const std::string good = "}(" + text("w") + float_tensor("K\x06", "K\x00"s, "K\x03K\x02", "K\x01K\x03") + "u";
  int num_refused = 0;
  for (std::size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] + 1 + i % 4);
    num_refused += archive_error(bad, 24).empty() ? 0 : 1;
  }
  EXPECT_GT(num_refused, 40);
}

TEST(PickleReader, SomethingElseIsRefused) {
  EXPECT_THROW(read_plain(""), Error);
  EXPECT_THROW(read_plain("PK\x03\x04 no zip"), Error);
  EXPECT_THROW(read_plain("{\"json\": 1}"), Error);
  EXPECT_THROW(read_pickle_file("/nonexistent/x.pth"), Error);
}

}  // namespace
}  // namespace soco

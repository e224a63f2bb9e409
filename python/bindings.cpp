// SPDX-License-Identifier: MIT
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>
#include <string>
#include <vector>

#include "soco/base/error.h"
#include "soco/config/options.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/selective_search.h"

namespace py = pybind11;

namespace soco {
namespace {

using BoxArray = py::array_t<float, py::array::c_style>;

/// uint8 [H, W, 3], or [H, W] grey, of any strides, as an image. Errors: another dtype or shape.
Image image_from_array(const py::array& array) {
  if (!py::isinstance<py::array_t<std::uint8_t>>(array))
    fail_usage("image: dtype {}, but uint8 is expected", std::string(py::str(array.dtype())));
  const bool grey = array.ndim() == 2;
  if (!grey && (array.ndim() != 3 || array.shape(2) != 3))
    fail_usage("image: shape [height, width, 3] (RGB) or [height, width] (grey) is expected");
  constexpr py::ssize_t kMaxSide = 1 << 30;
  if (array.shape(0) > kMaxSide || array.shape(1) > kMaxSide) fail_usage("image: a side is above 2^30");
  const auto plain = py::array_t<std::uint8_t, py::array::c_style>::ensure(array);
  Image image{static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1)), {}};
  const std::uint8_t* from = plain.data();
  const auto size = static_cast<std::size_t>(plain.size());
  if (!grey) {
    image.pixels.assign(from, from + size);
    return image;
  }
  image.pixels.resize(size * 3);
  for (std::size_t i = 0; i < size; ++i) std::memset(&image.pixels[i * 3], from[i], 3);
  return image;
}

BoxArray array_from_boxes(const std::vector<Box>& boxes) {
  BoxArray array({static_cast<py::ssize_t>(boxes.size()), py::ssize_t{4}});
  float* to = array.mutable_data();
  for (const Box& box : boxes) {
    for (const float value : {box.x1, box.y1, box.x2, box.y2}) *to++ = value;
  }
  return array;
}

std::vector<Box> boxes_from_array(const BoxArray& array) {
  if (array.ndim() != 2 || array.shape(1) != 4) fail_usage("boxes: shape [N, 4] is expected, xyxy");
  std::vector<Box> boxes(static_cast<std::size_t>(array.shape(0)));
  const float* from = array.data();
  for (Box& box : boxes) {
    box = {from[0], from[1], from[2], from[3]};
    from += 4;
  }
  return boxes;
}

/// Keyword arguments are the command line's keys: strategy="fast", min_size=50, colour lists as Python lists.
template <class Options>
Options options_from_kwargs(const py::kwargs& kwargs) {
  Options options;
  for (const auto& [key, value] : kwargs) {
    std::string text = py::str(value);
    if (py::isinstance<py::bool_>(value)) text = py::cast<bool>(value) ? "true" : "false";  // as TOML has them
    apply_override(options, std::string(py::str(key)) + "=" + text);
  }
  options.validate();
  return options;
}

BoxArray selective_search_of_array(const py::array& array, const py::kwargs& kwargs) {
  const auto options = options_from_kwargs<SelectiveSearchOptions>(kwargs);
  const Image image = image_from_array(array);
  std::vector<Box> boxes;
  {
    const py::gil_scoped_release other_threads_run;
    boxes = selective_search(image, options);
  }
  return array_from_boxes(boxes);
}

BoxArray filter_proposals_of_array(const BoxArray& boxes, int height, int width, const py::kwargs& kwargs) {
  const auto options = options_from_kwargs<FilterOptions>(kwargs);
  if (height < 1 || width < 1) fail_usage("height = {}, width = {}: both must be at least 1", height, width);
  return array_from_boxes(filter_proposals(boxes_from_array(boxes), height, width, options));
}

py::dict option_docs() {
  py::dict docs;
  for (const OptionDoc& doc : describe(SelectiveSearchOptions{}))
    docs[py::str(doc.key)] = doc.doc + " [" + doc.type + ", default " + doc.default_value +
                             (doc.allowed.empty() ? "" : ", " + doc.allowed) + "]";
  return docs;
}

/// A mistake of the caller becomes a ValueError, everything else a RuntimeError.
void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const Error& error) {
    PyErr_SetString(error.kind() == ErrorKind::kUsage ? PyExc_ValueError : PyExc_RuntimeError, error.what());
  }
}

}  // namespace

PYBIND11_MODULE(_soco, module) {
  py::register_exception_translator(&translate);
  module.def("selective_search", &selective_search_of_array, py::arg("image"));
  module.def("filter_proposals", &filter_proposals_of_array, py::arg("boxes"), py::arg("height"), py::arg("width"));
  module.def("option_docs", &option_docs);
}

}  // namespace soco

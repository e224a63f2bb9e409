# Finds libtorch without its own CMake package, which wants a whole CUDA toolkit when the wheel has CUDA.
# SOCO_LIBTORCH_DIR names a folder with include/ and lib/ (a wheel's torch folder or an unpacked libtorch);
# empty takes the system's (Debian's libtorch-dev). Gives the target soco_torch and SOCO_TORCH_VERSION.
set(SOCO_LIBTORCH_DIR "" CACHE PATH "Folder of libtorch (include/ and lib/ below it); empty: the system's")

if(SOCO_LIBTORCH_DIR)
  set(_torch_include ${SOCO_LIBTORCH_DIR}/include)
  set(_torch_lib_hint ${SOCO_LIBTORCH_DIR}/lib)
  set(_torch_search NO_DEFAULT_PATH)
else()
  set(_torch_include /usr/include)
  set(_torch_lib_hint /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE})
  set(_torch_search)
endif()

find_library(SOCO_TORCH_LIBRARY torch HINTS ${_torch_lib_hint} ${_torch_search})
find_library(SOCO_TORCH_CPU_LIBRARY torch_cpu HINTS ${_torch_lib_hint} ${_torch_search})
find_library(SOCO_C10_LIBRARY c10 HINTS ${_torch_lib_hint} ${_torch_search})
find_library(SOCO_TORCH_CUDA_LIBRARY torch_cuda HINTS ${_torch_lib_hint} ${_torch_search})
find_library(SOCO_C10_CUDA_LIBRARY c10_cuda HINTS ${_torch_lib_hint} ${_torch_search})
mark_as_advanced(SOCO_TORCH_LIBRARY SOCO_TORCH_CPU_LIBRARY SOCO_C10_LIBRARY SOCO_TORCH_CUDA_LIBRARY SOCO_C10_CUDA_LIBRARY)

set(_torch_api ${_torch_include}/torch/csrc/api/include)
set(_torch_version_header ${_torch_api}/torch/version.h)
if(NOT EXISTS ${_torch_version_header})
  set(_torch_version_header ${_torch_include}/torch/headeronly/version.h)
endif()
if(EXISTS ${_torch_version_header})
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS ${_torch_version_header} _line REGEX "#define TORCH_VERSION_${part} [0-9]+")
    if(NOT _line AND EXISTS ${_torch_include}/torch/headeronly/version.h)
      file(STRINGS ${_torch_include}/torch/headeronly/version.h _line REGEX "#define TORCH_VERSION_${part} [0-9]+")
    endif()
    string(REGEX REPLACE ".* ([0-9]+).*" "\\1" _torch_${part} "${_line}")
  endforeach()
  set(SOCO_TORCH_VERSION ${_torch_MAJOR}.${_torch_MINOR}.${_torch_PATCH})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SocoTorch
  REQUIRED_VARS SOCO_TORCH_LIBRARY SOCO_TORCH_CPU_LIBRARY SOCO_C10_LIBRARY SOCO_TORCH_VERSION
  VERSION_VAR SOCO_TORCH_VERSION
  REASON_FAILURE_MESSAGE
    "set SOCO_LIBTORCH_DIR to a folder with include/ and lib/ of libtorch, or install libtorch-dev: scripts/build.sh does it")

if(SocoTorch_FOUND AND SOCO_TORCH_VERSION VERSION_LESS 2 AND CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  message(FATAL_ERROR "libtorch ${SOCO_TORCH_VERSION} does not compile as C++20 with clang (a vector of an incomplete type in its "
                      "headers); configure with -DCMAKE_CXX_COMPILER=g++")
endif()
if(SocoTorch_FOUND AND NOT TARGET soco_torch)
  message(STATUS "libtorch ${SOCO_TORCH_VERSION}: ${SOCO_TORCH_LIBRARY}")
  add_library(soco_torch INTERFACE)
  target_include_directories(soco_torch SYSTEM INTERFACE ${_torch_api})
  if(SOCO_LIBTORCH_DIR)
    target_include_directories(soco_torch SYSTEM INTERFACE ${_torch_include})
  endif()
  if(SOCO_TORCH_CUDA_LIBRARY)
    # Nothing refers to torch_cuda by symbol: it registers its kernels when it is loaded.
    target_link_libraries(soco_torch INTERFACE
      -Wl,--no-as-needed ${SOCO_TORCH_CUDA_LIBRARY} ${SOCO_C10_CUDA_LIBRARY} -Wl,--as-needed)
  endif()
  target_link_libraries(soco_torch INTERFACE ${SOCO_TORCH_LIBRARY} ${SOCO_TORCH_CPU_LIBRARY} ${SOCO_C10_LIBRARY})
  if(SOCO_TORCH_CUDA_LIBRARY)
    # What torch_cuda itself needs lies in the wheels beside torch's, and is found when the program starts.
    target_link_options(soco_torch INTERFACE -Wl,--allow-shlib-undefined)
  endif()
endif()

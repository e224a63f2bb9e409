// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>

// What libtorch's ProcessGroupGloo.hpp mentions; a wheel has the library, but not its headers. Nothing of it is called
// or made by our code.
namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

}  // namespace gloo

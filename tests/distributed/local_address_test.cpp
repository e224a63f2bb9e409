// SPDX-License-Identifier: MIT
#include "soco/distributed/local_address.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "soco/base/error.h"

namespace soco {
namespace {

TEST(LocalAddress, IsLoopbackForLoopbackAlone) {
  EXPECT_EQ(local_address_towards("127.0.0.1", 29500), "127.0.0.1");
  const std::string name = local_address_towards("localhost", 29500);
  EXPECT_TRUE(name == "127.0.0.1" || name == "::1") << name;
}

TEST(LocalAddress, IsTheOneThatReachesTheHost) {
  // An address is reached from itself, and so is the host's own name, whatever /etc/hosts makes of it.
  char host[256] = {};
  ASSERT_EQ(gethostname(host, sizeof host - 1), 0);
  std::string own;
  try {
    own = local_address_towards(host, 29500);
  } catch (const Error&) {
    GTEST_SKIP() << "this host does not know its own name";
  }
  EXPECT_EQ(local_address_towards(own, 29500), own);
}

TEST(LocalAddress, NamesAHostThatIsNotKnown) {
  try {
    local_address_towards("no-such-host.invalid", 29500);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no-such-host.invalid"), std::string::npos);
  }
}

}  // namespace
}  // namespace soco

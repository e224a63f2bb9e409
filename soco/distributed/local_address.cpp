// SPDX-License-Identifier: MIT
#include "soco/distributed/local_address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "soco/base/error.h"

namespace soco {
namespace {

std::string numeric(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST] = {};
  if (getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return text;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

/// The address that this host would send from; nothing when there is no way. No packet is sent.
std::optional<std::string> source_address(const addrinfo& target) {
  const int fd = socket(target.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  const bool known = connect(fd, target.ai_addr, target.ai_addrlen) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) == 0;
  close(fd);
  if (!known) return {};
  return numeric(reinterpret_cast<const sockaddr*>(&own), length);
}

std::optional<std::string> first_outer_address() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    if (entry->ifa_addr->sa_family == AF_INET) return numeric(entry->ifa_addr, sizeof(sockaddr_in));
  }
  return {};
}

}  // namespace

std::string local_address_towards(const std::string& main_host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(main_host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0)
    fail("the host of rank 0, '{}' (MASTER_ADDR), is not known here: {}", main_host,
         error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  std::optional<std::string> found;
  for (const addrinfo* target = list; target != nullptr && !found; target = target->ai_next)
    found = source_address(*target);
  if (found && !is_loopback(*found)) return *found;
  if (!is_loopback(main_host))
    if (const auto outer = first_outer_address()) return *outer;
  return found.value_or("127.0.0.1");
}

}  // namespace soco

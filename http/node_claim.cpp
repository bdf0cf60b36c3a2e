#include "http/node_claim.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/digest.hpp"

namespace pb::http {

node_claim::~node_claim() {
  if (socket_ >= 0) ::close(socket_);
}

bool node_claim::take(std::string_view name) {
  if (socket_ >= 0) return true;
  // A socket's name that begins with a zero byte is in no file system (unix(7), "abstract").
  const auto label = "planebridge/" + sha256_hex(name).substr(0, 32);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path + 1, label.data(), label.size());
  const int s = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return true;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + label.size());
  if (::bind(s, reinterpret_cast<const sockaddr*>(&at), length) == 0) {
    socket_ = s;
    return true;
  }
  const bool taken = errno == EADDRINUSE;
  ::close(s);
  return !taken;
}

}  // namespace pb::http

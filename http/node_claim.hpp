// http/node_claim: a name that at most one program of this machine holds at a time. Given back when
// the claim is destroyed and, by the kernel, when the process ends in whatever way; nothing is left
// in the file system. Used for connections of which each would take a share of another's messages.
// Containers with a network of their own are machines of their own.
#pragma once
#include <string_view>

namespace pb::http {

/// Not thread-safe.
class node_claim {
public:
  node_claim() = default;
  ~node_claim();
  node_claim(const node_claim&) = delete;
  node_claim& operator=(const node_claim&) = delete;

  /// False while somebody else holds it. True when it is held already, and where the system has no
  /// such names: then nothing is known.
  bool take(std::string_view name);

private:
  int socket_ = -1;
};

}  // namespace pb::http

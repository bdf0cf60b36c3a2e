#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace pb {

secret::~secret() {
  if (!value_.empty()) OPENSSL_cleanse(value_.data(), value_.size());
}

std::string masked(const secret& s) {
  if (s.empty()) return "";
  const std::string& v = s.reveal();
  return v.size() < 16 ? "****" : "****" + v.substr(v.size() - 2);
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pb

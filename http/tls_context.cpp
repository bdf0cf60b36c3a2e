#include "http/tls_context.hpp"

#include <openssl/ssl.h>

#include <utility>

namespace pb::http {
namespace {

failure fault(std::string detail) {
  return {errc::bad_input, "http.server", std::move(detail),
          "tls_certificate_file and tls_key_file take PEM files that belong together"};
}

}  // namespace

result<std::optional<boost::asio::ssl::context>> server_tls(const std::string& certificate_file,
                                                            const std::string& key_file) {
  namespace ssl = boost::asio::ssl;
  if (certificate_file.empty() && key_file.empty()) return std::optional<ssl::context>{};
  if (certificate_file.empty()) return fault("a TLS key is set, its certificate is not");
  if (key_file.empty()) return fault("a TLS certificate is set, its key is not");
  ssl::context out{ssl::context::tls_server};
  auto* native = out.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // an idle connection gives OpenSSL's buffers back
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // a key with a pass phrase must not stop the daemon at a prompt
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
  boost::system::error_code ec;
  out.use_certificate_chain_file(certificate_file, ec);
  if (ec) return fault("certificate " + certificate_file + ": " + ec.message());
  out.use_private_key_file(key_file, ssl::context::pem, ec);
  if (ec) return fault("key " + key_file + ": " + ec.message());
  if (SSL_CTX_check_private_key(native) != 1)
    return fault("key " + key_file + " does not belong to certificate " + certificate_file);
  return std::optional<ssl::context>{std::move(out)};
}

}  // namespace pb::http

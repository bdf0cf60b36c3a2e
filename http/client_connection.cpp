#include "http/client_connection.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace pb::http {

result<void> client_connection::use_tls(boost::asio::ssl::context& context, const std::string& host,
                                        bool literal) {
  tls_.emplace(socket_, context);
  auto* ssl = tls_->native_handle();
  static constexpr std::array<unsigned char, 9> http_1_1{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  auto* wanted = SSL_get0_param(ssl);
  bool ok = SSL_set_alpn_protos(ssl, http_1_1.data(), http_1_1.size()) == 0;
  if (literal) {
    ok = ok && X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  } else {
    // what SSL_set_tlsext_host_name() does, whose macro casts in the old style
    std::string name = host;
    ok = ok &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ok = ok && SSL_set1_host(ssl, host.c_str()) == 1;
  }
  if (!ok)
    return failure{.code = errc::tls, .where = "http.client", .detail = "TLS cannot be set up"};
  return {};
}

std::string client_connection::tls_problem(const boost::system::error_code& ec) {
  if (tls_) {
    const long verdict = SSL_get_verify_result(tls_->native_handle());
    if (verdict != X509_V_OK) return X509_verify_cert_error_string(verdict);
  }
  return ec.message();
}

bool client_connection::is_quiet() {
  char byte = 0;
  const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && errno == EAGAIN;
}

void client_connection::close() noexcept {
  boost::system::error_code ignored;  // a socket that is being given up has nothing to report
  socket_.close(ignored);
}

}  // namespace pb::http

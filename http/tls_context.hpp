// http/tls_context: the server's certificate and what TLS it speaks. Private to the server.
#pragma once
#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <string>

#include "base/failure.hpp"

namespace pb::http {

/// TLS 1.2 and later. Nothing when no certificate is configured; errc::bad_input names the file
/// that cannot be read or does not fit the other.
result<std::optional<boost::asio::ssl::context>> server_tls(const std::string& certificate_file,
                                                            const std::string& key_file);

}  // namespace pb::http

// app/api_client: asks the running daemon over its own API; for the command line only (it blocks).
#pragma once
#include <boost/json.hpp>
#include <string>

#include "app/command_line.hpp"
#include "base/failure.hpp"

namespace pb::app {

class api_client {
public:
  /// Address and admin token from the configuration; `url` overrides the address.
  static result<api_client> make(const common_options& o, const std::string& url);
  /// The answer's whole JSON; a failure carries the daemon's message and what to do.
  [[nodiscard]] result<boost::json::value> get(const std::string& path) const;
  [[nodiscard]] result<boost::json::value> post(const std::string& path,
                                                const std::string& body = "{}",
                                                const std::string& type = "application/json") const;
  [[nodiscard]] result<boost::json::value> remove(const std::string& path) const;
  [[nodiscard]] result<std::string> text(const std::string& path) const;

private:
  [[nodiscard]] result<std::string> call(const std::string& method, const std::string& path,
                                         const std::string& body,
                                         const std::string& type = "application/json") const;
  std::string url_, ca_file_;
  secret token_;
};

}  // namespace pb::app

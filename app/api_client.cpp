#include "app/api_client.hpp"

#include <future>

#include "http/client.hpp"
#include "protocol/http_message.hpp"

namespace pb::app {
namespace json = boost::json;
namespace {

result<json::value> parsed(const result<std::string>& text) {
  if (!text) return text.error();
  boost::system::error_code ec;
  auto v = json::parse(*text, ec);
  if (ec)
    return failure{errc::unexpected_answer,
                   "api",
                   "the daemon's answer is not JSON",
                   "is something else listening there?",
                   0,
                   "",
                   {}};
  return v;
}

/// "line 3, column 9: plane_user: not the uuid of a Plane user"
std::string mistake_line(const json::value& m) {
  const auto* o = m.if_object();
  if (o == nullptr) return {};
  const auto told = [&](std::string_view key) {
    const auto* x = o->if_contains(key);
    if (x == nullptr) return std::string{};
    return x->is_string() ? std::string{x->get_string()} : json::serialize(*x);
  };
  std::string out;
  if (!told("line").empty()) out = "line " + told("line") + ", column " + told("column") + ": ";
  if (!told("field").empty()) out += told("field") + ": ";
  return out + told("message");
}

}  // namespace

result<api_client> api_client::make(const common_options& o, const std::string& url) {
  const auto loaded = load_configuration(o);
  if (!loaded.ok()) {
    report_configuration(loaded);
    return failure{
        errc::bad_input, "configuration", "see above", "planebridge config check", 0, "", {}};
  }
  api_client c;
  const auto& s = loaded.values;
  const bool tls = !s.server.tls_certificate_file.empty();
  c.url_ = !url.empty()
               ? url
               : (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(s.server.port);
  c.ca_file_ = s.http.ca_file;
  if (!s.security.admin_token.empty()) c.token_ = s.security.admin_token.front();
  return c;
}

result<std::string> api_client::call(const std::string& method, const std::string& path,
                                     const std::string& body, const std::string& type) const {
  http::client_options options;
  options.ca_file = ca_file_;
  http::client client{options};
  protocol::http_request request;
  request.method = method;
  request.url = protocol::join_url(url_, {}) + path;
  if (!token_.empty())
    request.headers.push_back({"Authorization", "Bearer " + token_.reveal(), true});
  if (method == "POST") request.headers.push_back({"Content-Type", type, false});
  request.body = body;
  std::promise<result<protocol::http_response>> promise;
  auto future = promise.get_future();
  client.send(std::move(request), {},
              [&](result<protocol::http_response> r) { promise.set_value(std::move(r)); });
  auto answer = future.get();
  if (!answer) {
    auto f = answer.error();
    f.remedy = "is the daemon running at " + url_ + "? --url gives another address";
    return f;
  }
  if (answer->status >= 200 && answer->status < 300) return std::move(answer->body);
  failure f{errc::unexpected_answer,
            "api",
            "status " + std::to_string(answer->status),
            "",
            answer->status,
            "",
            {}};
  boost::system::error_code ec;
  const auto v = json::parse(answer->body, ec);
  if (!ec && v.is_object())
    if (const auto* e = v.get_object().if_contains("error"); e != nullptr && e->is_object()) {
      if (const auto* m = e->get_object().if_contains("message"); m != nullptr && m->is_string())
        f.detail = m->get_string().c_str();
      if (const auto* id = e->get_object().if_contains("request_id");
          id != nullptr && id->is_string())
        f.request_id = id->get_string().c_str();
    }
  if (answer->status == 401) f.remedy = "set ADMIN_TOKEN to the daemon's";
  const auto told = [&](const char* pointer) -> std::string {
    boost::system::error_code none;
    const auto* found = ec ? nullptr : v.find_pointer(pointer, none);
    return found != nullptr && found->is_string() ? found->get_string().c_str() : "";
  };
  if (told("/error/code") == "KEY_MISSING")
    f.remedy = "set " + told("/error/details/variable") +
               " for the daemon: " + told("/error/details/ssot_ref");
  // What is wrong with an uploaded file, line by line.
  boost::system::error_code none;
  const auto* mistakes = ec ? nullptr : v.find_pointer("/error/details/mistakes", none);
  if (mistakes != nullptr && mistakes->is_array() && mistakes->get_array().size() > 1)
    for (const auto& m : mistakes->get_array()) f.detail += "\n  " + mistake_line(m);
  return f;
}

result<json::value> api_client::get(const std::string& path) const {
  return parsed(call("GET", path, ""));
}
result<json::value> api_client::post(const std::string& path, const std::string& body,
                                     const std::string& type) const {
  return parsed(call("POST", path, body, type));
}
result<json::value> api_client::remove(const std::string& path) const {
  return parsed(call("DELETE", path, ""));
}
result<std::string> api_client::text(const std::string& path) const {
  return call("GET", path, "");
}

}  // namespace pb::app

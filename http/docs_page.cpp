// /docs: the OpenAPI description for people, without a script. Made once, at start.
#include <boost/json.hpp>

#include "http/system_endpoints.hpp"
#include "protocol/html/escape.hpp"

namespace pb::http {
using protocol::html::escaped;
namespace json = boost::json;
namespace {

std::string text_of(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}

std::string operation_html(std::string_view method, std::string_view path, const json::object& o) {
  std::string verb{method};
  for (char& c : verb) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  std::string out = "<section><h3><code>" + verb + " " + escaped(path) + "</code></h3><p>";
  out += escaped(text_of(o, "summary")) + "</p>";
  if (const auto more = text_of(o, "description"); !more.empty())
    out += "<p>" + escaped(more) + "</p>";
  if (const auto* parameters = o.if_contains("parameters"); parameters != nullptr) {
    out += "<ul>";
    for (const auto& p : parameters->as_array())
      out += "<li><code>" + escaped(text_of(p.as_object(), "name")) + "</code> " +
             escaped(text_of(p.as_object(), "description")) + "</li>";
    out += "</ul>";
  }
  out += "<p class=\"s\">";
  for (const auto& [status, answer] : o.at("responses").as_object())
    out += "<b>" + std::string{status} + "</b> " +
           escaped(text_of(answer.as_object(), "description")) + " &nbsp; ";
  return out + "</p></section>";
}

}  // namespace

std::string docs_page() {
  const auto whole = json::parse(openapi_text()).as_object();
  const auto& info = whole.at("info").as_object();
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>planebridge API</title>"
      "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;"
      "padding:0 1rem}section{border-top:1px solid #ddd}code{font-size:15px}"
      ".s{color:#555;font-size:14px}</style></head><body><h1>";
  out += escaped(text_of(info, "title")) + "</h1><p>" + escaped(text_of(info, "description")) +
         "</p><p>For programs: <a href=\"/openapi.json\">/openapi.json</a></p>";
  for (const auto& [path, methods] : whole.at("paths").as_object())
    for (const auto& [method, operation] : methods.as_object())
      out += operation_html(method, path, operation.as_object());
  return out + "</body></html>\n";
}

}  // namespace pb::http

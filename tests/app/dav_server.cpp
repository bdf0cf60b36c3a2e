#include "tests/app/dav_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace pb::app::testing {
namespace {

bool on_path(const std::string& program) {
  std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  path += ":/usr/sbin";
  std::istringstream folders{path};
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

std::string line_value(const std::string& text, const std::string& name) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
  throw std::runtime_error("no " + name + " in: " + text);
}

std::string unfolded(std::string text) {
  std::erase(text, '\r');
  for (std::size_t i = 0; (i = text.find("\n ", i)) != std::string::npos;) text.erase(i, 2);
  return text;
}

}  // namespace

bool dav_kind::installed() const {
  for (const auto& program : needs)
    if (!on_path(program)) {
      std::cerr << "SKIPPED: " << program << " is not installed\n";
      return false;
    }
  return true;
}

std::string stored_event::value(const std::string& property) const {
  std::istringstream lines{text};
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "BEGIN:VEVENT") inside = true;
    if (line.starts_with("BEGIN:VALARM")) inside = false;
    if (inside && (line.starts_with(property + ":") || line.starts_with(property + ";")))
      return line.substr(line.find(':') + 1);
    if (line.starts_with("END:VALARM")) inside = true;
  }
  return {};
}
bool stored_event::has_line(const std::string& beginning) const {
  return ("\n" + text).find("\n" + beginning) != std::string::npos;
}

dav_server::dav_server(const dav_kind& kind) : kind_(kind) { start(); }
dav_server::~dav_server() { stop(); }

void dav_server::start() {
  command c;
  c.words = {PB_SOURCE_DIR "/tests/servers/" + kind_.script,
             "start",
             folder_ / "server",
             port_,
             "--owner",
             std::to_string(::getpid())};
  c.words.insert(c.words.end(), kind_.options.begin(), kind_.options.end());
  c.environment["HOME"] = folder_.path();
  const auto f = run(c);
  if (f.code != 0) throw std::runtime_error(kind_.script + " did not start: " + f.err);
  runs_ = true;
  url_ = line_value(f.out, "URL");
  username_ = line_value(f.out, "USERNAME");
  password_ = line_value(f.out, "PASSWORD");
  home_ = line_value(f.out, "HOME_PATH");
  while (url_.ends_with('/')) url_.pop_back();
  port_ = url_.substr(url_.rfind(':') + 1);
  protocol::caldav::auth_options o;
  o.username = username_;
  o.password = secret{password_};
  o.clear_allowed = true;
  login_ = std::make_unique<protocol::caldav::authenticator>(o);
}

void dav_server::stop() {
  if (!std::exchange(runs_, false)) return;
  command c;
  c.words = {PB_SOURCE_DIR "/tests/servers/" + kind_.script, "stop", folder_ / "server"};
  c.environment["HOME"] = folder_.path();
  (void)run(c);
}

void dav_server::configure(bridge& b) const {
  b.environment["CALDAV_URL"] = url_ + "/";
  b.environment["CALDAV_USERNAME"] = username_;
  b.environment["CALDAV_PASSWORD"] = password_;
}

std::string dav_server::calendar(const std::string& project) const {
  return url_ + home_ + "planebridge-" + project + "/";
}
std::string dav_server::event_url(const std::string& project, const std::string& item) const {
  return calendar(project) + "plane-issue-" + item + "%40calplanebot.ics";
}

answer dav_server::dav(asked a) {
  for (int tries = 0;; ++tries) {
    protocol::http_request r;
    r.method = a.method;
    r.url = a.url;
    static int nonces = 0;
    login_->authorize(r, "tests" + std::to_string(++nonces));
    auto with = a;
    for (const auto& h : r.headers) with.fields.emplace_back(h.name, h.value);
    auto got = ask(with);
    if (got.status != 401 || tries == 2) return got;
    protocol::http_response refused;
    refused.status = 401;
    for (const auto& [name, value] : got.fields) refused.headers.push_back({name, value, false});
    if (!login_->challenge(r, refused)) return got;
  }
}

std::optional<stored_event> dav_server::event(const std::string& url) {
  const auto a = dav({.url = url});
  if (a.status != 200) return std::nullopt;
  return stored_event{unfolded(a.body), a.field("ETag")};
}
bool dav_server::gone(const std::string& url) { return dav({.url = url}).status == 404; }

int dav_server::put(const std::string& url, const std::string& text, const std::string& etag) {
  asked a{.method = "PUT",
          .url = url,
          .fields = {{"Content-Type", "text/calendar; charset=utf-8"}},
          .body = text};
  if (!etag.empty()) a.fields.emplace_back("If-Match", etag);
  return dav(a).status;
}

std::vector<std::string> dav_server::names(const std::string& project) {
  const auto a = dav({.method = "PROPFIND", .url = calendar(project), .fields = {{"Depth", "1"}}});
  std::vector<std::string> out;
  for (std::size_t i = 0; (i = a.body.find(".ics<", i)) != std::string::npos; i += 5) {
    const auto from = a.body.find_last_of("/>", i) + 1;
    out.push_back(a.body.substr(from, i + 4 - from));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace pb::app::testing

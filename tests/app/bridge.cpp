#include "tests/app/bridge.hpp"

#include <openssl/hmac.h>

#include <atomic>
#include <csignal>
#include <stdexcept>

namespace pb::app::testing {
namespace json = boost::json;

bridge::bridge() {
  environment = {
      {"HOME", folder_.path()},
      {"LC_ALL", "C.UTF-8"},
      {"PORT", "0"},
      {"PLANEBRIDGE_SERVER_ADDRESS", "127.0.0.1"},
      {"DATABASE_URL", "sqlite:" + (folder_ / "planebridge.db")},
      {"ADMIN_TOKEN", admin_token},
  };
}

command bridge::command_of(const std::vector<std::string>& words) const {
  command c;
  c.words = {PB_BINARY};
  c.words.insert(c.words.end(), options.begin(), options.end());
  c.words.insert(c.words.end(), words.begin(), words.end());
  c.environment = environment;
  c.folder = folder_.path();
  return c;
}

void bridge::launch() {
  auto c = command_of({"serve"});
  c.out_path = c.err_path = folder_ / "log";
  process_ = std::make_unique<child_process>(c);
}

void bridge::start() {
  const auto before = log().size();
  launch();
  const bool listens = eventually(milliseconds{30'000}, [&] {
    return log().find("planebridge listens", before) != std::string::npos || !process_->runs();
  });
  const auto text = log();
  const auto line = text.find("planebridge listens", before);
  if (!listens || line == std::string::npos) throw std::runtime_error("not started:\n" + text);
  // logfmt: port=8080, JSON: "port":8080
  const auto field = text.find("port", line);
  const auto digits = text.find_first_of("0123456789", field);
  port_ = static_cast<std::uint16_t>(std::stoi(text.substr(digits, 5)));
  environment["PORT"] = std::to_string(port_);
}

int bridge::stop(milliseconds deadline) {
  process_->signal(SIGTERM);
  return process_->wait(deadline).value_or(-1);
}

void bridge::kill() {
  process_->signal(SIGKILL);
  process_->wait(milliseconds{10'000});
}

bool bridge::logs(const std::string& text, std::size_t from, milliseconds deadline) const {
  return eventually(deadline, [&] { return log().find(text, from) != std::string::npos; });
}

answer bridge::get(const std::string& path) const {
  return ask({.url = url() + path, .fields = {{"Authorization", "Bearer " + admin_token}}});
}
answer bridge::post(const std::string& path, const std::string& body) const {
  return ask(
      {.method = "POST",
       .url = url() + path,
       .fields = {{"Authorization", "Bearer " + admin_token}, {"Content-Type", "application/json"}},
       .body = body});
}

answer bridge::webhook(const std::string& body, const std::string& event,
                       const std::string& secret) const {
  static std::atomic<int> sent{0};  // several senders at once
  asked a{.method = "POST", .url = url() + "/webhooks/plane"};
  a.fields = {
      {"Content-Type", "application/json"},
      {"X-Plane-Event", event},
      {"X-Plane-Delivery", "5e000000-0000-4000-8000-" + std::to_string(100'000'000'000 + ++sent)},
      {"X-Plane-Signature", signature_of(body, secret)}};
  a.body = body;
  a.seconds = 60;
  return ask(a);
}

std::string bridge::configured(const std::string& entry) const {
  const auto all = json("/debug/config");
  const auto rows = at(all, "/data/entries");
  if (!rows.is_array()) return {};
  for (const auto& row : rows.get_array())
    if (text_at(row, "/key") == entry) return text_at(row, "/value");
  return {};
}

finished bridge::command_line(std::vector<std::string> words) const {
  return run(command_of(words));
}

plane_side::plane_side() {
  sandbox::run_options o;
  o.port = 0;
  o.seed = "";
  o.api_key = secret{api_key};
  o.time_scale = 0.001;
  o.plane.requests_per_minute = 0;
  auto started = sandbox::sandbox_server::start(o);
  if (!started) throw std::runtime_error(describe(started.error()));
  server_ = std::move(*started);
  project_ = text_at(
      call("POST", "projects/", json::object{{"name", "发布 Release 🚀"}, {"identifier", "REL"}}),
      "/id");
}

void plane_side::announce_to(const bridge& b) {
  (void)server_->data().add_webhook(
      "demo", {.url = b.url() + "/webhooks/plane", .signing_secret = secret{webhook_secret}});
}

void plane_side::configure(bridge& b) const {
  b.environment["PLANE_BASE_URL"] = url();
  b.environment["PLANE_API_KEY"] = api_key;
  b.environment["PLANE_WORKSPACE_SLUG"] = "demo";
  b.environment["PLANE_WEBHOOK_SECRET"] = webhook_secret;
  b.environment["PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE"] = "100000";
  b.environment["PLANEBRIDGE_CALENDAR_WINDOW_MS"] = "200";
}

json::value plane_side::call(const std::string& method, const std::string& path,
                             const json::value& body) const {
  const auto a = ask({.method = method,
                      .url = url() + "/api/v1/workspaces/demo/" + path,
                      .fields = {{"X-API-Key", api_key}, {"Content-Type", "application/json"}},
                      .body = body.is_null() ? "" : json::serialize(body)});
  if (a.status < 200 || a.status > 299)
    throw std::runtime_error(method + " " + path + ": " + std::to_string(a.status) + " " + a.body);
  return a.json();
}

std::string plane_side::create(const std::string& name, const std::string& target_date,
                               json::object more) {
  more["name"] = name;
  if (!target_date.empty()) more["target_date"] = target_date;
  return text_at(call("POST", "projects/" + project_ + "/work-items/", more), "/id");
}
void plane_side::change(const std::string& id, const json::object& what) {
  (void)call("PATCH", "projects/" + project_ + "/work-items/" + id + "/", what);
}
void plane_side::remove(const std::string& id) {
  (void)call("DELETE", "projects/" + project_ + "/work-items/" + id + "/");
}
std::string plane_side::state_id(const std::string& group) const {
  const auto page = call("GET", "projects/" + project_ + "/states/");
  const auto all = page.is_array() ? page : at(page, "/results");
  for (const auto& s : all.as_array())
    if (text_at(s, "/group") == group) return text_at(s, "/id");
  throw std::runtime_error("no state of group " + group);
}

std::string signature_of(const std::string& body, const std::string& secret) {
  unsigned char mac[32];
  unsigned length = sizeof mac;
  ::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(body.data()), body.size(), mac, &length);
  std::string out;
  for (unsigned i = 0; i < length; ++i) {
    constexpr auto digits = "0123456789abcdef";
    out += digits[mac[i] >> 4];
    out += digits[mac[i] & 15];
  }
  return out;
}

}  // namespace pb::app::testing

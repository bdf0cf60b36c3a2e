// What good answers say; refusals are in answers_refusal.cpp.
#include "protocol/lark/answers.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "protocol/lark/events.hpp"
#include "protocol/lark/exchanges.hpp"
#include "protocol/lark/reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

using object = json::object;
constexpr std::size_t max_answer_bytes = 16u << 20;
constexpr std::int64_t max_pause_seconds = 24 * 3600;

/// A whole body whose code is 0.
struct good {
  json::value body;
  reader r;
};
result<good> read_good(const http_response& answer, std::string_view operation) {
  if (auto f = refusal_of(answer, operation)) return std::move(*f);
  auto v = parse_json(answer.body, max_answer_bytes, errc::unexpected_answer, operation);
  if (!v) return v.error();
  return good{std::move(*v), reader{errc::unexpected_answer, operation}};
}
const object* data_of(good& g) {
  return g.r.child(g.body.get_object(), "", "data", need::required);
}

message read_row(reader& r, const object& o, std::string_view at) {
  message m;
  m.message_id = r.opaque(o, at, "message_id", need::required);
  m.root_id = r.opaque(o, at, "root_id");
  m.parent_id = r.opaque(o, at, "parent_id");
  m.thread_id = r.opaque(o, at, "thread_id");
  m.chat_id = r.opaque(o, at, "chat_id");
  m.type = cut(r.text(o, at, "msg_type"), 100);
  m.deleted = r.flag(o, at, "deleted");
  if (const auto* body = r.child(o, at, "body")) m.content = r.text(*body, at, "content");
  if (const auto* sender = r.child(o, at, "sender")) {
    // Of an app, id is its app_id: who compares looks at from_bot as well.
    auto id = r.opaque(*sender, at, "id");
    const auto kind = r.text(*sender, at, "id_type");
    (kind == "user_id"    ? m.sender.user_id
     : kind == "union_id" ? m.sender.union_id
                          : m.sender.open_id) = std::move(id);
    const auto type = r.text(*sender, at, "sender_type");
    m.from_bot = type == "app" || type == "bot";
  }
  m.mentions = r.mentions(o, at);
  m.created_at = r.time(o, "create_time");
  return m;
}

result<message_page> read_rows(const http_response& answer, std::string_view operation) {
  auto g = read_good(answer, operation);
  if (!g) return g.error();
  message_page out;
  const auto* data = data_of(*g);
  const auto* items = data == nullptr ? nullptr : g->r.list(*data, "data", "items");
  if (items != nullptr)
    for (const auto& one : *items) {
      const auto at = element_path("data.items", out.messages.size());
      if (const auto* o = one.if_object())
        out.messages.push_back(read_row(g->r, *o, at));
      else
        g->r.fail(at, "", "an object is due");
    }
  if (data != nullptr && g->r.flag(*data, "data", "has_more"))
    out.next = g->r.text(*data, "data", "page_token", need::required);
  if (g->r.failed()) return g->r.problem();
  return out;
}

bool is_gone(reader& r, const object& o, std::string_view at) {
  const auto* s = r.child(o, at, "status");
  if (s == nullptr) return false;
  return r.flag(*s, at, "is_resigned") || r.flag(*s, at, "is_frozen") ||
         r.flag(*s, at, "is_exited");
}

/// One text under data: image_key, reaction_id.
result<std::string> read_one(const http_response& answer, std::string_view operation,
                             std::string_view key) {
  auto g = read_good(answer, operation);
  if (!g) return g.error();
  std::string out;
  if (const auto* data = data_of(*g)) out = g->r.opaque(*data, "data", key, need::required);
  if (g->r.failed()) return g->r.problem();
  return out;
}

/// filename*=UTF-8''… of a Content-Disposition, else filename="…".
std::string file_name_of(std::string_view disposition) {
  constexpr std::string_view wide = "filename*=UTF-8''", narrow = "filename=\"";
  std::string out;
  if (const auto at = disposition.find(wide); at != std::string_view::npos) {
    const auto rest = disposition.substr(at + wide.size());
    out = percent_decode(rest.substr(0, rest.find(';')));
  } else if (const auto plain = disposition.find(narrow); plain != std::string_view::npos) {
    const auto rest = disposition.substr(plain + narrow.size());
    out = rest.substr(0, rest.find('"'));
  }
  // A name, not a path.
  if (const auto slash = out.find_last_of("/\\"); slash != std::string::npos)
    out.erase(0, slash + 1);
  std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return cut(std::move(out), 255);
}

void read_config(const object& o, connection_config& c) {
  const auto take = [&](std::string_view key, std::int64_t low, auto& into) {
    const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
    const auto* n = v == nullptr ? nullptr : v->if_int64();
    if (n != nullptr && *n >= low && *n <= max_pause_seconds)
      into = std::remove_reference_t<decltype(into)>{*n};
  };
  take("ReconnectCount", -1, c.reconnect_count);
  take("ReconnectInterval", 1, c.reconnect_interval);
  take("ReconnectNonce", 0, c.reconnect_nonce);
  take("PingInterval", 1, c.ping_interval);
}

/// service_id of the address: what frames carry.
std::int32_t service_of(std::string_view url) {
  constexpr std::string_view key = "service_id=";
  auto query = url.substr(std::min(url.find('?'), url.size()));
  for (; !query.empty(); query = query.substr(std::min(query.find('&', 1), query.size()))) {
    if (!query.substr(1).starts_with(key)) continue;
    const auto digits = query.substr(1 + key.size());
    std::int32_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
  }
  return 0;
}

}  // namespace

result<granted_token> parse_token(const http_response& answer) {
  auto g = read_good(answer, operation::token);
  if (!g) return g.error();
  const auto& o = g->body.get_object();
  auto text = g->r.opaque(o, "", "tenant_access_token", need::required);
  const auto expire = g->r.number(o, "", "expire", need::required);
  if (!g->r.failed() && (expire <= 0 || expire > max_pause_seconds))
    g->r.fail("", "expire", "not a number of seconds within a day");
  if (g->r.failed()) return g->r.problem();
  return granted_token{secret{std::move(text)}, std::chrono::seconds{expire}};
}

result<message> parse_sent(const http_response& answer, std::string_view operation) {
  auto g = read_good(answer, operation);
  if (!g) return g.error();
  message out;
  if (const auto* data = data_of(*g)) out = read_row(g->r, *data, "data");
  if (g->r.failed()) return g->r.problem();
  return out;
}

result<std::vector<message>> parse_messages(const http_response& answer,
                                            std::string_view operation) {
  auto page = read_rows(answer, operation);
  if (!page) return page.error();
  if (page->messages.empty())
    return failure{
        .code = errc::not_found, .where = std::string{operation}, .detail = "no such message"};
  return std::move(page->messages);
}

result<message_page> parse_page(const http_response& answer, std::string_view operation) {
  return read_rows(answer, operation);
}

result<std::string> parse_reaction_id(const http_response& answer) {
  return read_one(answer, operation::react, "reaction_id");
}
result<std::string> parse_image_key(const http_response& answer) {
  return read_one(answer, operation::upload_image, "image_key");
}

result<std::vector<found_person>> parse_found_people(const http_response& answer) {
  auto g = read_good(answer, operation::find_people);
  if (!g) return g.error();
  std::vector<found_person> out;
  const auto* data = data_of(*g);
  const auto* all = data == nullptr ? nullptr : g->r.list(*data, "data", "user_list");
  if (all != nullptr)
    for (const auto& one : *all) {
      const auto at = element_path("data.user_list", out.size());
      const auto* o = one.if_object();
      if (o == nullptr) {
        g->r.fail(at, "", "an object is due");
        break;
      }
      // user_id is of the type that was asked for, and absent when nobody was found.
      found_person p;
      p.email = g->r.name(*o, at, "email");
      p.open_id = g->r.opaque(*o, at, "user_id");
      p.resigned = is_gone(g->r, *o, at);
      out.push_back(std::move(p));
    }
  if (g->r.failed()) return g->r.problem();
  return out;
}

result<person_details> parse_person(const http_response& answer) {
  auto g = read_good(answer, operation::person);
  if (!g) return g.error();
  person_details out;
  const auto* data = data_of(*g);
  const auto* user = data == nullptr ? nullptr : g->r.child(*data, "data", "user", need::required);
  if (user != nullptr) {
    const std::string_view at = "data.user";
    out.who = g->r.who(*user, at);
    out.name = g->r.name(*user, at, "name");
    out.email = g->r.name(*user, at, "email");
    if (out.email.empty()) out.email = g->r.name(*user, at, "enterprise_email");
    out.resigned = is_gone(g->r, *user, at);
  }
  if (g->r.failed()) return g->r.problem();
  return out;
}

result<chat_details> parse_chat(const http_response& answer) {
  auto g = read_good(answer, operation::chat);
  if (!g) return g.error();
  chat_details out;
  if (const auto* data = data_of(*g)) {
    out.name = g->r.name(*data, "data", "name");
    out.external = g->r.flag(*data, "data", "external");
    const auto mode = g->r.text(*data, "data", "chat_mode");
    out.p2p = mode == "p2p";
    out.topic = mode == "topic" || g->r.text(*data, "data", "group_message_type") == "thread";
  }
  if (g->r.failed()) return g->r.problem();
  return out;
}

result<bot_details> parse_bot(const http_response& answer) {
  auto g = read_good(answer, operation::bot);
  if (!g) return g.error();
  bot_details out;
  if (const auto* bot = g->r.child(g->body.get_object(), "", "bot", need::required)) {
    out.open_id = g->r.opaque(*bot, "bot", "open_id", need::required);
    out.name = g->r.name(*bot, "bot", "app_name");
    out.active = g->r.number(*bot, "bot", "activate_status") == 2;
  }
  if (g->r.failed()) return g->r.problem();
  return out;
}

result<downloaded> parse_download(const http_response& answer) {
  const auto type = answer.header("Content-Type");
  const bool whole = answer.status == 200 || answer.status == 206;
  // A JSON file is sent as an attachment, a refusal is not.
  if (!whole || (type.starts_with("application/json") && !answer.has_header("Content-Disposition")))
    if (auto f = refusal_of(answer, operation::download)) return std::move(*f);
  if (!whole)
    return failure{.code = errc::unexpected_answer,
                   .where = std::string{operation::download},
                   .detail = "neither a file nor a refusal",
                   .status = answer.status};
  return downloaded{answer.body, std::string{type},
                    file_name_of(answer.header("Content-Disposition"))};
}

result<connection_endpoint_answer> parse_connection_endpoint(const http_response& answer) {
  auto g = read_good(answer, operation::endpoint);
  if (!g) return g.error();
  connection_endpoint_answer out;
  if (const auto* data = data_of(*g)) {
    out.url = g->r.text(*data, "data", "URL", need::required);
    const bool secure = out.url.starts_with("wss://"), plain = out.url.starts_with("ws://");
    if (!g->r.failed() && ((!secure && !plain) || out.url.size() > 4'096))
      g->r.fail("data", "URL", "not an address of a WebSocket");
    out.service_id = service_of(out.url);
    if (const auto* c = g->r.child(*data, "data", "ClientConfig")) read_config(*c, out.config);
  }
  if (g->r.failed()) return g->r.problem();
  return out;
}

connection_config parse_connection_config(std::string_view text, connection_config before) {
  const auto v = parse_json(text, 64u << 10, errc::unexpected_answer, operation::endpoint);
  if (v && v->is_object()) read_config(v->get_object(), before);
  return before;
}

}  // namespace pb::protocol::lark

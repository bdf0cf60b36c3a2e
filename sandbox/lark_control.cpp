#include "sandbox/lark_control.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <stdexcept>

#include "sandbox/control.hpp"
#include "sandbox/rows.hpp"

namespace pb::sandbox {
namespace {

constexpr std::string_view base = "/sandbox/lark/";

protocol::http_response refuse(int status, std::string_view message) {
  return answer_json(
      status, json::object{{"error", json::object{{"code", "BAD_INPUT"}, {"message", message}}}});
}

template <typename Id>
protocol::http_response answer_to(const result<Id>& made) {
  if (!made) return refuse(400, made.error().detail);
  return answer_json(200, json::object{{"data", *made}});
}
protocol::http_response answer_to(const result<void>& done) {
  if (!done) return refuse(400, done.error().detail);
  return answer_json(200, json::object{{"data", nullptr}});
}

lark_click click_of(const json::object& body) {
  lark_click c;
  c.message_id = text_of(body, "message_id");
  c.by = text_of(body, "by");
  c.on = text_of(body, "on");
  c.option = text_of(body, "option");
  c.input = text_of(body, "input");
  c.checked = true_in(body, "checked");
  c.twice = true_in(body, "twice");
  for (const auto& o : list_of(body, "options"))
    if (o.is_string()) c.options.emplace_back(o.get_string());
  if (const json::value* form = body.if_contains("form"); form != nullptr && form->is_object())
    for (const auto& [key, value] : form->get_object()) c.form[std::string{key}] = value;
  return c;
}

lark_saying saying_of(const json::object& body) {
  lark_saying s;
  s.chat = text_of(body, "chat");
  s.by = text_of(body, "by");
  s.text = text_of(body, "text");
  s.mention_bot = true_in(body, "mention_bot");
  s.reply_to = text_of(body, "reply_to");
  s.in_thread = true_in(body, "in_thread");
  if (const std::string type = text_of(body, "type"); !type.empty()) s.type = type;
  s.content = text_of(body, "content");
  return s;
}

}  // namespace

protocol::http_response lark_control::state(const inbound& request) const {
  std::optional<std::uint64_t> since;
  constexpr std::string_view key = "since=";
  if (const auto at = request.query.find(key); at != std::string::npos) {
    std::uint64_t n = 0;
    const char* from = request.query.data() + at + key.size();
    if (std::from_chars(from, request.query.data() + request.query.size(), n).ec == std::errc{})
      since = n;
  }
  return answer_json(200, json::object{{"data", lark_.view(since)}});
}

protocol::http_response lark_control::act(std::string_view what, const json::object& body) {
  const std::string by = text_of(body, "by"), chat = text_of(body, "chat"),
                    message = text_of(body, "message_id");
  if (what == "say") return answer_to(lark_.say(saying_of(body)));
  if (what == "recall") return answer_to(lark_.recall(message, by));
  if (what == "react")
    return answer_to(lark_.react(message, by, text_of(body, "emoji"), true_in(body, "removed")));
  if (what == "click") return answer_to(lark_.click(click_of(body)));
  if (what == "view_link") return answer_to(lark_.view_link(message, by, text_of(body, "url")));
  if (what == "type_link")
    return answer_to(result<std::uint64_t>{lark_.type_link(by, text_of(body, "url"))});
  if (what == "private_chat") return answer_to(result<std::string>{lark_.private_chat(by)});
  if (what == "add_person")
    return answer_to(result<std::string>{
        lark_.add_person({.name = text_of(body, "name"), .email = text_of(body, "email")})});
  const auto done = [&](auto&& deed) {
    deed();
    return answer_to(result<void>{});
  };
  if (what == "leave_company") return done([&] { lark_.leave_company(by); });
  if (what == "add_member") return done([&] { lark_.add_member(chat, by); });
  if (what == "remove_member") return done([&] { lark_.remove_member(chat, by); });
  if (what == "add_bot") return done([&] { lark_.add_bot(chat, by); });
  if (what == "remove_bot") return done([&] { lark_.remove_bot(chat, by); });
  if (what == "dissolve") return done([&] { lark_.dissolve(chat, by); });
  if (what == "menu") return done([&] { lark_.open_menu(by, text_of(body, "key")); });
  if (what == "expire_tokens") return done([&] { lark_.expire_tokens(); });
  if (what == "cut_link") return done([&] { link_.cut(); });
  if (what == "freeze_link") return done([&] { link_.freeze(true_in(body, "frozen")); });
  return refuse(404, "no such deed");
}

std::optional<protocol::http_response> lark_control::handle(const inbound& request) {
  const std::string_view path = request.path;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (path == "/lark" && reads)
    return protocol::http_response{200,
                                   {{"Content-Type", "text/html; charset=utf-8"},
                                    {"Cache-Control", "no-store"},
                                    {"Content-Security-Policy",
                                     "default-src 'none'; style-src 'unsafe-inline'; script-src "
                                     "'unsafe-inline'; connect-src 'self'; img-src 'self'; "
                                     "frame-ancestors 'none'"}},
                                   std::string{lark_page_html()}};
  if (!path.starts_with(base)) return std::nullopt;
  if (from_elsewhere(request)) return refuse(403, "only the sandbox's own page may do this");
  const std::string_view what = path.substr(base.size());
  if (reads && what == "state") return state(request);
  if (reads && what == "info")
    return answer_json(200,
                       json::object{{"data", json::object{{"owner", seeds_.owner},
                                                          {"member", seeds_.member},
                                                          {"guest", seeds_.guest},
                                                          {"group", seeds_.group},
                                                          {"topics", seeds_.topics},
                                                          {"external", seeds_.external},
                                                          {"bot", lark_.options().bot_open_id},
                                                          {"connections", link_.connections()}}}});
  if (reads && what == "pushes")
    return answer_json(200, log_json(sender_.log(), sender_.unfinished()));
  constexpr std::string_view files = "files/";
  if (reads && what.starts_with(files)) {
    const std::string bytes = lark_.bytes_of(what.substr(files.size()));
    if (bytes.empty()) return refuse(404, "no such file");
    return protocol::http_response{
        200,
        {{"Content-Type", bytes.starts_with("\x89PNG") ? "image/png" : "application/octet-stream"},
         {"X-Content-Type-Options", "nosniff"}},
        bytes};
  }
  if (request.method != "POST") return refuse(405, "not with this method");
  boost::system::error_code ec;
  const json::value v = json::parse(request.body.empty() ? "{}" : request.body, ec);
  if (ec || !v.is_object()) return refuse(400, "not a JSON object");
  try {
    auto answer = act(what, v.get_object());
    sender_.pump();
    return answer;
  } catch (const std::invalid_argument& e) {
    return refuse(400, e.what());
  }
}

}  // namespace pb::sandbox

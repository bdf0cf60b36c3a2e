#include "protocol/lark/requests.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "base/digest.hpp"
#include "protocol/json_reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

constexpr std::size_t max_card_bytes = 1u << 20;
constexpr std::size_t previews_per_call = 10, viewers_per_call = 100;

json::string_view js(std::string_view text) noexcept { return {text.data(), text.size()}; }

std::string url_of(const api& a, const std::vector<std::string_view>& rest) {
  std::vector<std::string_view> all{"open-apis"};
  all.insert(all.end(), rest.begin(), rest.end());
  return join_url(a.base_url, all);
}

/// The charset is not decoration: without it Chinese text arrives garbled.
http_request sending(std::string_view method, std::string url, const json::object& body) {
  auto out = json_request(method, std::move(url));
  out.headers.push_back({"Content-Type", "application/json; charset=utf-8", false});
  out.body = json::serialize(body);
  return out;
}

std::string message_url(const api& a, std::string_view message,
                        const std::vector<std::string_view>& rest = {}) {
  std::vector<std::string_view> all{"im", "v1", "messages", message};
  all.insert(all.end(), rest.begin(), rest.end());
  return url_of(a, all);
}

json::object body_of(const outgoing& m) {
  json::object body{{"msg_type", m.msg_type}, {"content", m.content}};
  if (!m.uuid.empty()) body["uuid"] = m.uuid;
  return body;
}

std::string uuid(std::string_view prefix, std::int64_t effect, int part) {
  auto out = std::string{prefix} + std::to_string(effect);
  if (part > 0) out += '-' + std::to_string(part);
  return out;
}

json::array texts(const std::vector<std::string>& all) {
  json::array out;
  for (const auto& one : all) out.emplace_back(one);
  return out;
}

failure refused(std::string_view where, errc code, std::string_view detail) {
  return {.code = code, .where = std::string{where}, .detail = std::string{detail}};
}

}  // namespace

std::string send_uuid(std::int64_t effect, int part) { return uuid("pb-s-", effect, part); }
std::string reply_uuid(std::int64_t effect, int part) { return uuid("pb-r-", effect, part); }

http_request tenant_token(const api& a, const app_credentials& c) {
  return sending("POST", url_of(a, {"auth", "v3", "tenant_access_token", "internal"}),
                 {{"app_id", c.app_id}, {"app_secret", c.app_secret.reveal()}});
}

http_request connection_endpoint(const api& a, const app_credentials& c) {
  // The one path without /open-apis, and the one body with capital letters.
  auto out = json_request("POST", join_url(a.base_url, {"callback", "ws", "endpoint"}));
  out.headers.push_back({"Content-Type", "application/json", false});
  out.headers.push_back({"locale", "zh", false});
  out.body =
      json::serialize(json::object{{"AppID", c.app_id}, {"AppSecret", c.app_secret.reveal()}});
  return out;
}

http_request send_message(const api& a, receiver kind, std::string_view to, const outgoing& m) {
  auto url = url_of(a, {"im", "v1", "messages"});
  add_query(url, "receive_id_type", kind == receiver::chat ? "chat_id" : "open_id");
  auto body = body_of(m);
  body["receive_id"] = js(to);
  return sending("POST", std::move(url), body);
}

http_request reply_message(const api& a, std::string_view to_message, const outgoing& m,
                           bool in_thread) {
  auto body = body_of(m);
  if (in_thread) body["reply_in_thread"] = true;
  return sending("POST", message_url(a, to_message, {"reply"}), body);
}

http_request edit_message(const api& a, std::string_view message, std::string_view msg_type,
                          std::string_view content) {
  return sending("PUT", message_url(a, message),
                 {{"msg_type", js(msg_type)}, {"content", js(content)}});
}

http_request patch_card(const api& a, std::string_view message, std::string_view card_json) {
  return sending("PATCH", message_url(a, message), {{"content", js(card_json)}});
}

result<http_request> delayed_card_update(const api& a, const secret& card_token,
                                         std::string_view card_json) {
  auto card = parse_json(card_json, max_card_bytes, errc::bad_input, "lark.update_clicked");
  if (!card) return card.error();
  if (!card->is_object())
    return refused("lark.update_clicked", errc::bad_input, "a card is an object");
  return sending("POST", url_of(a, {"interactive", "v1", "card", "update"}),
                 {{"token", card_token.reveal()}, {"card", std::move(*card)}});
}

http_request recall_message(const api& a, std::string_view message) {
  return json_request("DELETE", message_url(a, message));
}

http_request add_reaction(const api& a, std::string_view message, std::string_view emoji) {
  return sending("POST", message_url(a, message, {"reactions"}),
                 {{"reaction_type", {{"emoji_type", js(emoji)}}}});
}

http_request remove_reaction(const api& a, std::string_view message, std::string_view reaction) {
  return json_request("DELETE", message_url(a, message, {"reactions", reaction}));
}

http_request get_message(const api& a, std::string_view message) {
  auto url = message_url(a, message);
  add_query(url, "card_msg_content_type", "user_card_content");
  return json_request("GET", std::move(url));
}

http_request list_thread(const api& a, std::string_view thread_id, std::string_view page_token) {
  auto url = url_of(a, {"im", "v1", "messages"});
  add_query(url, "container_id_type", "thread");
  add_query(url, "container_id", thread_id);
  add_query(url, "sort_type", "ByCreateTimeAsc");
  add_query(url, "page_size", "50");
  add_query(url, "card_msg_content_type", "user_card_content");
  add_query(url, "page_token", page_token);
  return json_request("GET", std::move(url));
}

http_request list_chat(const api& a, std::string_view chat, timestamp since,
                       std::string_view page_token) {
  auto url = url_of(a, {"im", "v1", "messages"});
  add_query(url, "container_id_type", "chat");
  add_query(url, "container_id", chat);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since).time_since_epoch().count();
  if (seconds > 0) add_query(url, "start_time", std::to_string(seconds));
  add_query(url, "sort_type", "ByCreateTimeAsc");
  add_query(url, "page_size", "50");
  add_query(url, "card_msg_content_type", "user_card_content");
  add_query(url, "page_token", page_token);
  return json_request("GET", std::move(url));
}

result<http_request> find_people(const api& a, const std::vector<std::string>& emails) {
  if (emails.empty() || emails.size() > people_per_call)
    return refused("lark.find_people", errc::bad_input, "1 to 50 addresses at once");
  auto url = url_of(a, {"contact", "v3", "users", "batch_get_id"});
  add_query(url, "user_id_type", "open_id");
  return sending("POST", std::move(url), {{"emails", texts(emails)}, {"include_resigned", false}});
}

http_request get_person(const api& a, std::string_view open_id) {
  auto url = url_of(a, {"contact", "v3", "users", open_id});
  add_query(url, "user_id_type", "open_id");
  add_query(url, "department_id_type", "open_department_id");
  return json_request("GET", std::move(url));
}

http_request get_chat(const api& a, std::string_view chat) {
  return json_request("GET", url_of(a, {"im", "v1", "chats", chat}));
}

http_request bot_info(const api& a) {
  return json_request("GET", url_of(a, {"bot", "v3", "info"}));
}

result<http_request> upload_image(const api& a, std::string_view bytes) {
  if (bytes.empty()) return refused("lark.upload_image", errc::bad_input, "an empty picture");
  if (bytes.size() > max_image_bytes)
    return refused("lark.upload_image", errc::too_large, "Feishu takes pictures of up to 10 MB");
  // Made of the bytes themselves, so that they cannot hold it but by breaking SHA-256.
  const auto boundary = "planebridge-" + sha256_hex(bytes).substr(0, 40);
  auto out = json_request("POST", url_of(a, {"im", "v1", "images"}));
  out.headers.push_back({"Content-Type", "multipart/form-data; boundary=" + boundary, false});
  const auto part = [&](std::string_view head, std::string_view content) {
    out.body += "--" + boundary + "\r\nContent-Disposition: form-data; ";
    out.body += head;
    out.body += "\r\n\r\n";
    out.body += content;
    out.body += "\r\n";
  };
  part("name=\"image_type\"", "message");
  part("name=\"image\"; filename=\"image\"\r\nContent-Type: application/octet-stream", bytes);
  out.body += "--" + boundary + "--\r\n";
  return out;
}

http_request download_resource(const api& a, std::string_view message, std::string_view key,
                               resource kind) {
  auto url = message_url(a, message, {"resources", key});
  add_query(url, "type", kind == resource::image ? "image" : "file");
  auto out = json_request("GET", std::move(url));
  out.headers.front().value = "*/*";
  return out;
}

result<http_request> refresh_previews(const api& a, const std::vector<std::string>& tokens,
                                      const std::vector<std::string>& open_ids) {
  if (tokens.empty() || tokens.size() > previews_per_call || open_ids.size() > viewers_per_call)
    return refused("lark.previews", errc::bad_input, "1 to 10 tokens, at most 100 people");
  json::object body{{"preview_tokens", texts(tokens)}};
  if (!open_ids.empty()) body["open_ids"] = texts(open_ids);
  return sending("POST", url_of(a, {"im", "v2", "url_previews", "batch_update"}), body);
}

void authorize(http_request& request, const secret& tenant_token) {
  std::erase_if(request.headers,
                [](const http_header& h) { return iequals(h.name, "Authorization"); });
  request.headers.push_back({"Authorization", "Bearer " + tenant_token.reveal(), true});
}

}  // namespace pb::protocol::lark

// protocol/lark/requests: calls of Feishu's API as values (docs/contracts/lark.md, 3.1, 3.2, 4.4,
// 4.6, 5, 7). Credentials come last, by authorize(); only two calls carry the app's secret in their
// body, and those are marked. Called by the exchanges and by the long connection. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::lark {

/// Where the API is: Feishu or Lark international; an app lives on one of them.
struct api {
  std::string base_url = "https://open.feishu.cn";  ///< with or without trailing slashes
};
struct app_credentials {
  std::string app_id;
  secret app_secret;
};

/// What is sent. `uuid` makes a repeat within one hour the same message; at most 50 bytes.
struct outgoing {
  std::string msg_type;  ///< "text", "post", "interactive", "image", "file"
  std::string content;   ///< the JSON text of that type
  std::string uuid;
};
enum class receiver : std::uint8_t { chat, person };  ///< id is a chat_id or an open_id

/// Sends and replies do not share uuids: whether they share a namespace is not known. A message in
/// several parts has one for each.
/// @param part  0 for the first or only one
std::string send_uuid(std::int64_t effect, int part = 0);   ///< "pb-s-77"
std::string reply_uuid(std::int64_t effect, int part = 0);  ///< "pb-r-77-1"

// Without a token.
http_request tenant_token(const api& a, const app_credentials& c);
/// Where the long connection is to be opened.
http_request connection_endpoint(const api& a, const app_credentials& c);

// Messages. Ids are put into paths percent-encoded.
http_request send_message(const api& a, receiver kind, std::string_view to, const outgoing& m);
http_request reply_message(const api& a, std::string_view to_message, const outgoing& m,
                           bool in_thread);
/// "text" and "post" only; at most 20 times per message.
http_request edit_message(const api& a, std::string_view message, std::string_view msg_type,
                          std::string_view content);
/// Cards of at most 14 days; 5 per second and message.
http_request patch_card(const api& a, std::string_view message, std::string_view card_json);
/// With the token of a click: 30 minutes, two uses, only after the click was answered. The card is
/// an object here, so its text must be JSON: errc::bad_input otherwise.
result<http_request> delayed_card_update(const api& a, const secret& card_token,
                                         std::string_view card_json);
http_request recall_message(const api& a, std::string_view message);
http_request add_reaction(const api& a, std::string_view message, std::string_view emoji);
http_request remove_reaction(const api& a, std::string_view message, std::string_view reaction);
/// Cards as they were sent, not as they are shown.
http_request get_message(const api& a, std::string_view message);
/// Oldest first, 50 a page.
http_request list_thread(const api& a, std::string_view thread_id, std::string_view page_token);
/// Of topics only the first messages. Whole seconds count.
http_request list_chat(const api& a, std::string_view chat, timestamp since,
                       std::string_view page_token);

// People, chats, ourselves.
/// At most 50 e-mail addresses: errc::bad_input otherwise.
result<http_request> find_people(const api& a, const std::vector<std::string>& emails);
http_request get_person(const api& a, std::string_view open_id);
http_request get_chat(const api& a, std::string_view chat);
http_request bot_info(const api& a);

// Pictures and files.
/// Whose addresses are looked up by one call.
inline constexpr std::size_t people_per_call = 50;
inline constexpr std::size_t max_image_bytes = 10u << 20;
/// errc::too_large beyond max_image_bytes, errc::bad_input when empty.
result<http_request> upload_image(const api& a, std::string_view bytes);
enum class resource : std::uint8_t { image, file };
/// Of anybody's message in a chat that the bot is in.
http_request download_resource(const api& a, std::string_view message, std::string_view key,
                               resource kind);

/// Link previews to be asked for again: 1 to 10 tokens, at most 100 people (none: everybody).
result<http_request> refresh_previews(const api& a, const std::vector<std::string>& tokens,
                                      const std::vector<std::string>& open_ids);

/// Replaces whatever credentials the request has; the header is marked sensitive.
void authorize(http_request& request, const secret& tenant_token);

}  // namespace pb::protocol::lark

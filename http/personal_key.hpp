// http/personal_key: GET and POST /connect/{token}: the one-time page where a person who talks in
// Feishu connects their own Plane account, so that what they write carries their name: by OAuth
// where Plane has an app of ours (http/personal_oauth), and by their own API key. The bot gives its
// link in private. The token is 32 random bytes, kept as a hash, good for one account within 15
// minutes; opening the page does not use it up, since chat clients look at links by themselves.
// Plane is asked whose key or token it is; it is sealed, and appears in no answer, log or error.
// Wired by app/.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "http/personal_oauth.hpp"
#include "http/plane_oauth.hpp"
#include "http/server.hpp"
#include "persistence/store.hpp"

namespace pb::http {

inline constexpr std::chrono::minutes connect_ticket_life{15};
inline constexpr unsigned connect_ticket_tries = 5;  ///< keys that Plane does not know
inline constexpr std::string_view connect_ticket_prefix = "lark.connect/";

/// A link for one person. The entry is committed before the link is given to anybody; the link
/// itself is stored nowhere.
struct connect_ticket {
  secret url;
  persistence::state_entry entry;
};
/// @param public_url  server.public_url, without a trailing slash
/// @param name        as Feishu shows the person, for the page; empty: as their mapping has it
connect_ticket make_connect_ticket(std::string_view public_url, const std::string& open_id,
                                   const std::string& name, timestamp now, random_source& random);

/// Removes the tickets that ran out; at the start, since most links are never opened.
void drop_old_connect_tickets(persistence::store& store, timestamp now);

/// Whose a key is, as Plane says.
struct plane_account {
  std::string id, name, email;
};
/// Asks Plane; `done` comes once, on any thread. errc::unauthorized: Plane does not know the key.
using key_check =
    std::function<void(const secret& key, std::function<void(result<plane_account>)> done)>;

/// What is sealed under personal_key_credential(open_id).
struct personal_key {
  secret key;              ///< an API key, or OAuth's access token
  std::string plane_user;  ///< uuid
  bool oauth = false;      ///< a bearer; the rest is of it
  secret refresh{};        ///< empty: it cannot be renewed
  timestamp expires_at{};  ///< the epoch: not known
};
/// What a person let us have, as it is sealed. A refresh token that did not come is the last one's.
personal_key to_personal_key(const protocol::plane::oauth_tokens& tokens,
                             const std::string& plane_user, timestamp now,
                             const secret& last_refresh = {});
std::string to_text(const personal_key& k);
result<personal_key> parse_personal_key(std::string_view text);

/// Store and clock outlive the server.
struct personal_key_dependencies {
  persistence::store& store;
  const clock_source& clock;
  std::string public_url;  ///< where the form may come from, beside the Host that was asked
  key_check check;
  /// Empty without an ENCRYPTION_KEY: the page says what is missing then.
  std::function<result<persistence::credential_row>(const std::string& name, const secret& plain)>
      seal;
  /// After the commit: who cached the person reads again. May be empty; must not block.
  std::function<void(const std::string& open_id)> connected;
  /// "Connect with Plane"; null: Plane has no app of ours, and the page offers keys alone.
  std::shared_ptr<personal_oauth> oauth{};
};

struct personal_key_page {
  std::vector<route> routes;
  person_return came_back;  ///< for plane_oauth_options; empty without oauth
};
personal_key_page make_personal_key_page(personal_key_dependencies needs);
/// Its routes are added; returns the way back from Plane.
person_return add_personal_key_page(server& to, personal_key_dependencies needs);
/// The page without a way back.
std::vector<route> personal_key_routes(personal_key_dependencies needs);

}  // namespace pb::http

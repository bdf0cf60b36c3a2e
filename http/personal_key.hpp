// http/personal_key: GET and POST /connect/{token}: the one-time page where a person who talks in
// Feishu enters their own Plane API key, so that what they write carries their name. The bot gives
// its link in private. The token is 32 random bytes, kept as a hash, good for one key within 15
// minutes; opening the page does not use it up, since chat clients look at links by themselves. The
// key is asked at Plane whose it is, sealed, and appears in no answer, log or error. Wired by app/.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
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
  secret key;
  std::string plane_user;  ///< uuid
};
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
};

void add_personal_key_page(server& to, personal_key_dependencies needs);
/// The same as routes that are not added anywhere yet.
std::vector<route> personal_key_routes(personal_key_dependencies needs);

}  // namespace pb::http

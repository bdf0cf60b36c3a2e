// http/plane_oauth: GET /plane/oauth/start sends a person to Plane to install the app (bot) or to
// let it act for them (user); GET /plane/oauth/callback takes the way back, exchanges the code,
// seals the tokens and says what was stored, without any secret
// (docs/contracts/plane.md, "OAuth"). JSON for `Accept: application/json`, else a page for a
// person. Neither code, token nor secret appears in a log, an error or an answer. Wired by app/.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "http/plane_oauth_state.hpp"
#include "http/server.hpp"
#include "http/transport.hpp"
#include "persistence/store.hpp"
#include "protocol/plane/oauth.hpp"

namespace pb::http {

/// Seals `plaintext` for the credential `name` under the present key; the bytes of
/// persistence::credential_row::sealed.
using seal_function =
    std::function<result<std::string>(const std::string& name, const std::string& plaintext)>;

/// A person is back from Plane, with a state of ours that was used this once, in the browser they
/// began in. Answers with a page for them.
using person_return =
    std::function<void(const oauth_state&, const std::shared_ptr<request>&, const responder&)>;

struct plane_oauth_options {
  protocol::plane::oauth_app app;  ///< what is empty is answered by KEY_MISSING
  secret encryption_key;           ///< 32 bytes, decoded; empty: KEY_MISSING
  std::vector<std::string> scopes = protocol::plane::default_scopes();
  std::string tenant = "default";
  call_limits limits;
  seal_function seal;
  /// After a credential was committed, with its name: whoever uses it reads it again. May be
  /// empty; any thread, must not block.
  std::function<void(const std::string& name)> stored;
  /// The way back to the one-time page (http/personal_key), so that an administrator registers one
  /// redirect address for everything. Empty: nobody is sent off from there.
  person_return person{};
};

/// What is sealed, as JSON: {"access_token","refresh_token","expires_at" (µs, 0: unknown),"scope",
/// "app_installation_id","workspace_id","workspace_slug","bot_user_id","user_id","obtained_at"}.
/// Names: "plane.oauth.bot", "plane.oauth.user.<uuid>".
inline constexpr std::string_view oauth_bot_credential = "plane.oauth.bot";
inline constexpr std::string_view oauth_user_credential_prefix = "plane.oauth.user.";
/// Nonces of used states, until the states end: "oauth.nonce/<nonce>" → µs.
inline constexpr std::string_view oauth_nonce_prefix = "oauth.nonce/";

/// Transport, store, clock and random outlive the server. `random` is used on HTTP threads.
struct plane_oauth_peers {
  transport& calls;
  persistence::store& store;
  const clock_source& clock;
  random_source& random;
};

void add_plane_oauth(server& to, plane_oauth_options options, plane_oauth_peers peers);
/// start and callback, not added anywhere yet.
std::vector<route> plane_oauth_routes(plane_oauth_options options, plane_oauth_peers peers);

}  // namespace pb::http

// app/personal_keys: the ends of the page where a person connects their own Plane account: the link
// that the bot gives them, the question to Plane whose a key is, and the way over Plane's OAuth.
#pragma once
#include <functional>
#include <string>

#include "base/random.hpp"
#include "config/settings.hpp"
#include "http/personal_key.hpp"
#include "http/personal_oauth.hpp"
#include "http/transport.hpp"
#include "sync/lark_effects.hpp"

namespace pb::app {

/// The transport outlives the checks. Without Plane's address each check fails with it named.
http::key_check key_check_at(const config::settings& s, http::transport& calls);

/// Plane's app as the configuration has it.
protocol::plane::oauth_app oauth_app_of(const config::settings& s);

/// "Connect with Plane" on the page; null without an app of ours at Plane, a key to seal with, or
/// one host for the page and the redirect address (the browser's cookie is of that host). The rest
/// outlives it.
std::shared_ptr<http::personal_oauth> personal_oauth_of(const config::settings& s,
                                                        http::transport& calls,
                                                        const clock_source& clock,
                                                        random_source& random);

/// lark.connect_link as the lark.send that it becomes (actors::chat_calls::with_link). The ticket
/// is on its way into the store when the link is made, and there before anybody can open it.
/// errc::key_missing without server.public_url, or without a key to seal with. Store, clock and
/// random outlive it; random is safe from any thread.
std::function<result<sync::lark_effect>(const sync::lark_effect&)> connect_links(
    const config::settings& s, persistence::store& store, const clock_source& clock,
    random_source& random);

}  // namespace pb::app

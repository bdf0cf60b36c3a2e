// http/personal_oauth: "Connect with Plane" on the one-time page: where its person is sent, and
// what the code they bring back is worth. The state names the page's link and the browser, counts
// once and ends after ten minutes (http/plane_oauth_state); the way back is the app's own redirect
// address (http/plane_oauth). Who it turns out to be is judged by http/personal_key.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "http/message.hpp"
#include "http/plane_oauth_state.hpp"
#include "http/transport.hpp"
#include "protocol/plane/me.hpp"
#include "protocol/plane/oauth.hpp"

namespace pb::http {

inline constexpr std::string_view connect_cookie = "planebridge_connect";

/// Is this the browser that the state was made for? True for states of other flows.
bool began_here(const request& r, const oauth_state& s);

/// What a code was exchanged for.
struct personal_grant {
  protocol::plane::oauth_tokens tokens;
  protocol::plane::user_ref whose;
};

struct personal_oauth_options {
  protocol::plane::oauth_app app;
  secret encryption_key;  ///< 32 bytes, decoded: the states' key is made of it
  std::vector<std::string> scopes = protocol::plane::default_scopes();
  call_limits limits;
};

/// Any thread. Transport, clock and random outlive it and every exchange.
class personal_oauth : public std::enable_shared_from_this<personal_oauth> {
public:
  personal_oauth(personal_oauth_options options, transport& calls, const clock_source& clock,
                 random_source& random);

  /// 302 to Plane, with the cookie that the way back needs.
  /// @param ticket  SHA-256 of the link's token, in hex
  response send_off(const std::string& ticket);

  /// `done` comes once, on any thread. errc::unauthorized: Plane refuses the code or the app.
  void exchange(const secret& code, std::function<void(result<personal_grant>)> done);

private:
  personal_oauth_options options_;
  secret state_key_;
  transport& calls_;
  const clock_source& clock_;
  std::mutex guard_;  ///< of the random source: a seeded one is not safe from several threads
  random_source& random_;
};

}  // namespace pb::http

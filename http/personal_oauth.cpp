#include "http/personal_oauth.hpp"

#include <utility>

#include "base/digest.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::http {
namespace plane = protocol::plane;
namespace {

constexpr std::size_t cookie_bytes = 32, max_cookie_bytes = 128;

/// Of the first cookie of ours; empty when there is none.
std::string_view cookie_of(const request& r) {
  auto rest = r.header("Cookie");
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    auto one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.size() > connect_cookie.size() && one.starts_with(connect_cookie) &&
        one[connect_cookie.size()] == '=')
      return one.substr(connect_cookie.size() + 1);
  }
  return {};
}

/// The path of an address; "/" when it has none.
std::string path_of(std::string_view url) {
  const auto scheme = url.find("://");
  const auto slash = scheme == url.npos ? url.npos : url.find('/', scheme + 3);
  if (slash == url.npos) return "/";
  return std::string{url.substr(slash, url.find_first_of("?#;", slash) - slash)};
}

}  // namespace

bool began_here(const request& r, const oauth_state& s) {
  if (s.flow != oauth_flow::person) return true;
  const auto cookie = cookie_of(r);
  return !cookie.empty() && cookie.size() <= max_cookie_bytes &&
         constant_time_equal(sha256_hex(cookie), s.browser);
}

personal_oauth::personal_oauth(personal_oauth_options options, transport& calls,
                               const clock_source& clock, random_source& random)
    : options_(std::move(options)),
      state_key_(oauth_state_key(options_.encryption_key)),
      calls_(calls),
      clock_(clock),
      random_(random) {}

response personal_oauth::send_off(const std::string& ticket) {
  std::string bytes(cookie_bytes, '\0');
  oauth_state s;
  s.flow = oauth_flow::person;
  s.ticket = ticket;
  s.ends = clock_.now() + oauth_state_life;
  {
    const std::lock_guard lock{guard_};
    s.nonce = make_oauth_nonce(random_);
    random_.fill({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
  }
  const auto cookie = to_base64url(bytes);
  s.browser = sha256_hex(cookie);
  response out;
  out.status = 302;
  out.content_type = "text/plain; charset=utf-8";
  // Lax, not Strict: Plane's answer is a navigation that another site begins.
  std::string set = std::string{connect_cookie} + "=" + cookie +
                    "; Path=" + path_of(options_.app.redirect_uri) +
                    "; Max-Age=" + std::to_string(std::chrono::seconds{oauth_state_life}.count()) +
                    "; HttpOnly; SameSite=Lax";
  if (options_.app.redirect_uri.starts_with("https://")) set += "; Secure";
  out.headers = {{"Location", plane::authorize_url(options_.app, options_.scopes,
                                                   write_oauth_state(s, state_key_))},
                 {"Set-Cookie", std::move(set), true},
                 {"Cache-Control", "no-store"},
                 {"Referrer-Policy", "no-referrer"}};
  return out;
}

void personal_oauth::exchange(const secret& code,
                              std::function<void(result<personal_grant>)> done) {
  calls_.send(plane::user_token_request(options_.app, code), options_.limits,
              [self = shared_from_this(),
               done = std::move(done)](const result<protocol::http_response>& got) {
                if (!got) return done(got.error());
                auto tokens = plane::parse_token_answer(*got);
                if (!tokens) {
                  auto f = tokens.error();
                  if (f.code == errc::bad_input) f.code = errc::unauthorized;
                  return done(std::move(f));
                }
                auto ask = plane::me_request(self->options_.app.base_url);
                plane::authorize(ask, {plane::credential::kind::bearer, tokens->access});
                self->calls_.send(
                    std::move(ask), self->options_.limits,
                    [done, tokens = *tokens](const result<protocol::http_response>& answer) {
                      if (!answer) return done(answer.error());
                      auto me = plane::parse_me(*answer);
                      if (!me) return done(me.error());
                      done(personal_grant{tokens, std::move(*me)});
                    });
              });
}

}  // namespace pb::http

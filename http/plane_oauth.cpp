#include "http/plane_oauth.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <mutex>
#include <set>
#include <utility>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "base/log.hpp"
#include "http/personal_key_page.hpp"
#include "http/personal_oauth.hpp"
#include "http/plane_oauth_page.hpp"
#include "protocol/plane/me.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::http {
namespace {

namespace json = boost::json;
namespace plane = protocol::plane;

constexpr std::string_view start_again = "start again at /plane/oauth/start";

/// A callback under way.
struct oauth_visit {
  std::shared_ptr<request> ask;
  responder answer;
  oauth_state state;
  secret code;
  std::string installation_id;
  plane::oauth_tokens tokens;
  plane::installation installed;
  std::string user_id;
};
using oauth_visit_ptr = std::shared_ptr<oauth_visit>;

std::string nonce_key(const std::string& nonce) { return std::string{oauth_nonce_prefix} + nonce; }

/// An OAuth error word as the standard writes them; anything else is not repeated.
std::string error_word(std::string_view text) {
  const bool sane = text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || c == '_';
                    });
  return sane ? std::string{text} : "an error without a usable name";
}

class oauth_endpoint : public std::enable_shared_from_this<oauth_endpoint> {
public:
  oauth_endpoint(plane_oauth_options options, plane_oauth_peers peers)
      : options_(std::move(options)), peers_(peers) {
    if (!options_.encryption_key.empty()) {
      state_key_ = oauth_state_key(options_.encryption_key);
      key_id_ = sha256_hex(options_.encryption_key.reveal()).substr(0, 8);
    }
  }

  void start(const std::shared_ptr<request>& r, const responder& answer) {
    if (const auto missing = missing_entry(); !missing.empty())
      return answer(oauth_key_missing(*r, missing));
    const auto flow = r->query_value("flow");
    if (!flow.empty() && flow != "bot" && flow != "user")
      return answer(refusal_response(*r, {400,
                                          "BAD_REQUEST",
                                          "flow is neither bot nor user",
                                          "leave it out to install the app",
                                          {}}));
    oauth_state s;
    s.flow = flow == "user" ? oauth_flow::user : oauth_flow::bot;
    s.callers = r->query_value("state");
    s.ends = peers_.clock.now() + oauth_state_life;
    {
      const std::lock_guard lock{guard_};  // a seeded source is not safe from several threads
      s.nonce = make_oauth_nonce(peers_.random);
    }
    const auto text = write_oauth_state(s, state_key_);
    if (s.callers.size() > max_callers_state_bytes ||
        !read_oauth_state(text, state_key_, peers_.clock.now()))
      return answer(refusal_response(*r, {400,
                                          "BAD_REQUEST",
                                          "state is not UTF-8 or too long",
                                          "at most 1024 bytes are handed back",
                                          {}}));
    const auto url = plane::authorize_url(options_.app, options_.scopes, text);
    response out;
    if (r->query_value("redirect") == "json" || wants_json(*r)) {
      const auto life = std::chrono::seconds{oauth_state_life}.count();
      out = data_response(json::serialize(
          json::object{{"authorize_url", url}, {"expires_in", life}, {"flow", to_string(s.flow)}}));
    } else {
      out.status = 302;
      out.content_type = "text/plain; charset=utf-8";
      out.headers.push_back({"Location", url});
    }
    out.headers.push_back({"Cache-Control", "no-store"});
    answer(std::move(out));
  }

  void callback(const std::shared_ptr<request>& r, const responder& answer) {
    if (const auto missing = missing_entry(); !missing.empty())
      return answer(oauth_key_missing(*r, missing));
    const auto text = r->query_value("state");
    auto state = read_oauth_state(text, state_key_, peers_.clock.now());
    if (!state) {
      if (flow_of_oauth_state(text, state_key_) == oauth_flow::person)
        return answer(connect_page(*r, connect_notice::too_late));
      return answer(refusal_response(*r, refusal_of(state.error())));
    }
    // Before it is used up: whoever was sent somebody else's answer cannot spoil it.
    if (!began_here(*r, *state)) return answer(connect_page(*r, connect_notice::other_browser));
    auto v = std::make_shared<oauth_visit>();
    v->ask = r;
    v->answer = answer;
    v->state = std::move(*state);
    v->code = secret{r->query_value("code")};
    v->installation_id = r->query_value("app_installation_id");
    claim_nonce(v);
  }

private:
  [[nodiscard]] std::string_view missing_entry() const {
    const auto& a = options_.app;
    if (a.base_url.empty()) return "plane.base_url";
    if (a.client_id.empty()) return "plane.client_id";
    if (a.client_secret.empty()) return "plane.client_secret";
    if (a.redirect_uri.empty()) return "plane.redirect_uri";
    if (options_.encryption_key.empty() || !options_.seal) return "security.encryption_key";
    return {};
  }

  static oauth_refusal refusal_of(oauth_state_problem p) {
    const std::string remedy{start_again};
    switch (p) {
      case oauth_state_problem::missing:
        return {400,
                "OAUTH_STATE_MISSING",
                "Plane's answer carries no state of ours",
                remedy + " instead of in Plane, so that the answer can be trusted",
                {}};
      case oauth_state_problem::expired:
        return {400, "OAUTH_STATE_EXPIRED", "more than ten minutes went by", remedy, {}};
      case oauth_state_problem::forged:
        break;
    }
    return {400, "OAUTH_STATE_INVALID", "the state was not made here", remedy, {}};
  }

  void refuse(const oauth_visit_ptr& v, int status, std::string code, std::string message,
              std::string remedy) const {
    if (v->state.flow == oauth_flow::person)
      return v->answer(connect_page(
          *v->ask, status == 503 ? connect_notice::store_is_away : connect_notice::too_late));
    v->answer(refusal_response(*v->ask, {status, std::move(code), std::move(message),
                                         std::move(remedy), v->state.callers}));
  }
  void refuse_storage(const oauth_visit_ptr& v, const failure& f) const {
    log::error("oauth could not reach the store", {log::kv("error", f)});
    refuse(v, 503, "STORAGE", "the store is not available now", std::string{start_again});
  }

  // ---- the state counts once: against the store across restarts, against under_way_ meanwhile

  void claim_nonce(const oauth_visit_ptr& v) {
    bool first = false;
    {
      const std::lock_guard lock{guard_};
      first = under_way_.insert(v->state.nonce).second;
    }
    if (!first) return refuse_used(v);
    peers_.store.read([self = shared_from_this(), v](result<persistence::reader*> r) {
      if (!r) return self->release(v, [&] { self->refuse_storage(v, r.error()); });
      auto known = (*r)->states(std::string{oauth_nonce_prefix});
      if (!known) return self->release(v, [&] { self->refuse_storage(v, known.error()); });
      self->record_nonce(v, *known);
    });
  }

  void record_nonce(const oauth_visit_ptr& v,
                    const std::vector<std::pair<std::string, std::string>>& known) {
    const auto mine = nonce_key(v->state.nonce);
    persistence::write unit;
    const auto now = std::to_string(to_micros(peers_.clock.now()));
    for (const auto& [key, ends] : known) {
      if (key == mine) return release(v, [&] { refuse_used(v); });
      // times of today have as many digits as each other: text compares as numbers do
      if (ends.size() == now.size() && ends < now) unit.states.push_back({key, std::nullopt});
    }
    unit.states.push_back({mine, std::to_string(to_micros(v->state.ends))});
    peers_.store.submit(std::move(unit), [self = shared_from_this(), v](const auto& done) {
      self->release(v, [&] {
        if (!done) return self->refuse_storage(v, done.error());
        self->judge(v);
      });
    });
  }

  template <class F>
  void release(const oauth_visit_ptr& v, F then) {
    {
      const std::lock_guard lock{guard_};
      under_way_.erase(v->state.nonce);
    }
    then();
  }
  void refuse_used(const oauth_visit_ptr& v) const {
    refuse(v, 400, "OAUTH_STATE_USED", "this answer of Plane's was used already",
           std::string{start_again});
  }

  // ---- tokens

  void judge(const oauth_visit_ptr& v) {
    if (v->state.flow == oauth_flow::person) {
      if (options_.person) return options_.person(v->state, v->ask, v->answer);
      return refuse(v, 400, {}, {}, {});  // a state from before a change of the configuration
    }
    if (const auto error = v->ask->query_value("error"); !error.empty())
      return refuse(
          v, 400, "OAUTH_DENIED", "Plane answered: " + error_word(error),
          "somebody with the right to install apps has to agree; then " + std::string{start_again});
    // Installing an app brings an installation; its bot token is asked for by that.
    if (!v->installation_id.empty() && !is_uuid(v->installation_id))
      return refuse(v, 400, "BAD_REQUEST", "app_installation_id is not a uuid",
                    std::string{start_again});
    const auto& code = v->code.reveal();
    if (v->state.flow == oauth_flow::bot && v->installation_id.empty())
      return refuse(v, 400, "BAD_REQUEST", "Plane named no app_installation_id",
                    "choose a workspace in Plane; then " + std::string{start_again});
    if (v->state.flow == oauth_flow::user && (code.empty() || code.size() > max_code_bytes))
      return refuse(v, 400, "BAD_REQUEST", "Plane sent no usable code", std::string{start_again});
    auto ask = v->state.flow == oauth_flow::bot
                   ? plane::bot_token_request(options_.app, v->installation_id)
                   : plane::user_token_request(options_.app, v->code);
    send(v, std::move(ask), &oauth_endpoint::on_tokens);
  }

  using step = void (oauth_endpoint::*)(const oauth_visit_ptr&, const protocol::http_response&);
  void send(const oauth_visit_ptr& v, protocol::http_request ask, step next) {
    peers_.calls.send(std::move(ask), options_.limits,
                      [self = shared_from_this(), v, next](result<protocol::http_response> got) {
                        if (!got) return self->refuse_remote(v, got.error());
                        ((*self).*next)(v, *got);
                      });
  }
  void send_as_holder(const oauth_visit_ptr& v, protocol::http_request ask, step next) {
    plane::authorize(ask, {plane::credential::kind::bearer, v->tokens.access});
    send(v, std::move(ask), next);
  }

  void on_tokens(const oauth_visit_ptr& v, const protocol::http_response& got) {
    auto tokens = plane::parse_token_answer(got);
    if (!tokens) {
      if (tokens.error().code == errc::unauthorized || tokens.error().code == errc::bad_input)
        return refuse_grant(v, tokens.error());
      return refuse_remote(v, tokens.error());
    }
    v->tokens = std::move(*tokens);
    send_as_holder(v, plane::installations_request(options_.app, v->installation_id),
                   &oauth_endpoint::on_installations);
  }

  void on_installations(const oauth_visit_ptr& v, const protocol::http_response& got) {
    auto found = plane::parse_installations(got);
    // Which workspace it is, is worth knowing but not worth losing the tokens for.
    if (!found)
      log_remote("oauth installation could not be read", found.error());
    else if (!found->empty())
      v->installed = std::move(found->front());
    if (v->state.flow == oauth_flow::bot) return keep(v);
    send_as_holder(v, plane::me_request(options_.app.base_url), &oauth_endpoint::on_me);
  }

  void on_me(const oauth_visit_ptr& v, const protocol::http_response& got) {
    auto me = plane::parse_me(got);
    if (!me) return refuse_remote(v, me.error());
    v->user_id = std::move(me->id);
    keep(v);
  }

  void keep(const oauth_visit_ptr& v) {
    const auto now = peers_.clock.now();
    const auto ends = v->tokens.expires_in ? to_micros(now + *v->tokens.expires_in) : 0;
    const bool bot = v->state.flow == oauth_flow::bot;
    const auto name = bot ? std::string{oauth_bot_credential}
                          : std::string{oauth_user_credential_prefix} + v->user_id;
    const auto& w = v->installed;
    const auto plain = json::serialize(json::object{
        {"access_token", v->tokens.access.reveal()},
        {"refresh_token", v->tokens.refresh ? v->tokens.refresh->reveal() : std::string{}},
        {"expires_at", ends},
        {"scope", v->tokens.scope},
        {"app_installation_id", v->installation_id.empty() ? w.id : v->installation_id},
        {"workspace_id", w.workspace_id},
        {"workspace_slug", w.workspace_slug},
        {"bot_user_id", w.app_bot},
        {"user_id", v->user_id},
        {"obtained_at", to_micros(now)}});
    auto sealed = options_.seal(name, plain);
    if (!sealed) return refuse_storage(v, sealed.error());
    persistence::write unit;
    unit.credentials.push_back({options_.tenant, name, key_id_, std::move(*sealed), now});
    peers_.store.submit(std::move(unit),
                        [self = shared_from_this(), v, name, ends](const auto& done) {
                          if (!done) return self->refuse_storage(v, done.error());
                          if (self->options_.stored) self->options_.stored(name);
                          log::info("oauth tokens stored", {log::kv("credential", name)});
                          self->summarize(v, name, ends);
                        });
  }

  void summarize(const oauth_visit_ptr& v, const std::string& name, std::int64_t ends) const {
    const auto& w = v->installed;
    v->answer(summary_response(
        *v->ask,
        {std::string{to_string(v->state.flow)}, name,
         v->installation_id.empty() ? w.id : v->installation_id, w.workspace_id, w.workspace_slug,
         w.workspace_name, v->user_id, v->tokens.scope,
         ends == 0 ? std::string{} : format_rfc3339(from_micros(ends)), v->state.callers}));
  }

  // ---- what went wrong at Plane's side; its words may repeat a code or a token, so only the
  // kind of failure and the status are told and logged

  static void log_remote(std::string_view what, const failure& f) {
    log::warn(what, {log::kv("operation", f.where), log::kv("code", f.code),
                     log::kv("status", f.status)});
  }
  void refuse_grant(const oauth_visit_ptr& v, const failure& f) const {
    log_remote("oauth grant refused", f);
    refuse(v, 400, "OAUTH_GRANT_REFUSED",
           "Plane refused the code or the app (status " + std::to_string(f.status) + ")",
           "a code counts once and not for long: " + std::string{start_again} +
               "; if that does not help, check PLANE_CLIENT_ID, PLANE_CLIENT_SECRET and "
               "PLANE_REDIRECT_URI against the app's page in Plane");
  }
  void refuse_remote(const oauth_visit_ptr& v, const failure& f) const {
    log_remote("oauth call failed", f);
    std::string why = "Plane did not answer as it should (" + std::string{to_string(f.code)};
    if (f.status != 0) why += ", status " + std::to_string(f.status);
    refuse(v, 503, "UPSTREAM", why + ")",
           "check that PLANE_BASE_URL is reachable from here; then " + std::string{start_again});
  }

  plane_oauth_options options_;
  plane_oauth_peers peers_;
  secret state_key_;
  std::string key_id_;
  std::mutex guard_;  ///< of the random source and of the next
  std::set<std::string> under_way_;
};

}  // namespace

std::vector<route> plane_oauth_routes(plane_oauth_options options, plane_oauth_peers peers) {
  const auto at = std::make_shared<oauth_endpoint>(std::move(options), peers);
  route start, callback;
  start.method = callback.method = "GET";
  start.pattern = "/plane/oauth/start";
  start.handle = [at](const std::shared_ptr<request>& r, const responder& a) { at->start(r, a); };
  callback.pattern = "/plane/oauth/callback";
  callback.handle = [at](const std::shared_ptr<request>& r, const responder& a) {
    at->callback(r, a);
  };
  return {std::move(start), std::move(callback)};
}

void add_plane_oauth(server& to, plane_oauth_options options, plane_oauth_peers peers) {
  for (auto& r : plane_oauth_routes(std::move(options), peers)) to.add(std::move(r));
}

}  // namespace pb::http

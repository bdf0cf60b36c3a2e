#include "http/personal_key.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/personal_key_page.hpp"

namespace pb::http {
namespace json = boost::json;
using namespace persistence;
namespace {

constexpr std::size_t token_bytes = 32;
constexpr std::size_t token_characters = 43;
constexpr std::size_t form_bytes = 4096;
constexpr std::size_t min_key_bytes = 8, max_key_bytes = 512;
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

std::string state_key_of(std::string_view token_hash) {
  return std::string{connect_ticket_prefix} + std::string{token_hash};
}

/// What is kept of a ticket.
struct kept_ticket {
  std::string open_id, name;
  timestamp ends{};
  std::int64_t tries = 0;
};

std::string to_text(const kept_ticket& t) {
  return json::serialize(json::object{
      {"open_id", t.open_id}, {"name", t.name}, {"ends", to_micros(t.ends)}, {"tries", t.tries}});
}

std::optional<kept_ticket> parse_ticket(std::string_view text) {
  boost::system::error_code ec;
  const auto v = json::parse(text, ec);
  const auto* o = ec ? nullptr : v.if_object();
  if (o == nullptr) return std::nullopt;
  const auto text_of = [&](std::string_view key) {
    const auto* m = o->if_contains(key);
    return m != nullptr && m->is_string() ? std::string{m->get_string()} : std::string{};
  };
  const auto number_of = [&](std::string_view key) {
    const auto* m = o->if_contains(key);
    return m != nullptr && m->is_int64() ? m->get_int64() : std::int64_t{0};
  };
  kept_ticket out{text_of("open_id"), text_of("name"), from_micros(number_of("ends")),
                  number_of("tries")};
  if (out.open_id.empty()) return std::nullopt;
  return out;
}

bool is_link_token(std::string_view text) {
  return text.size() == token_characters && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

/// "key=…" of the form; empty when it is none.
secret key_of(const request& r) {
  request form;  // a form's body reads like a query
  form.query = *r.body;
  auto text = form.query_value("key");
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  const bool sane =
      text.size() >= min_key_bytes && text.size() <= max_key_bytes &&
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  return sane ? secret{std::move(text)} : secret{};
}

std::string_view host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

/// Browsers say where a form was shown; what says nothing is no browser, and knows the token.
bool is_from_elsewhere(const request& r, std::string_view public_url) {
  if (const auto site = r.header("Sec-Fetch-Site"); !site.empty()) return site != "same-origin";
  const auto origin = r.header("Origin");
  if (origin.empty()) return false;
  const auto host = host_of(origin);
  return host.empty() || (!protocol::iequals(host, r.header("Host")) &&
                          !protocol::iequals(host, host_of(public_url)));
}

/// A key or a token on its way.
struct key_visit {
  std::shared_ptr<request> ask;
  responder answer;
  std::string state_key;
  kept_ticket ticket;
  personal_key given;
  plane_account account;
  std::optional<user_mapping_row> mapping;
  /// Holds the ticket against a second use meanwhile.
  std::shared_ptr<void> claim;

  bool offers_oauth = false;  ///< on a page of the link itself; not where Plane led back to

  void say(connect_notice n) const {
    answer(connect_page(*ask, n, {ticket.name, account.name, offers_oauth}));
  }
};
using key_visit_ptr = std::shared_ptr<key_visit>;

class key_endpoint : public std::enable_shared_from_this<key_endpoint> {
public:
  explicit key_endpoint(personal_key_dependencies needs) : needs_(std::move(needs)) {}

  void show(const std::shared_ptr<request>& r, const responder& answer) {
    if (!needs_.oauth || r->query_value("with") != "plane")
      return begin(r, answer, [](const key_visit_ptr& v) { v->say(connect_notice::form); });
    // Only from the page, which says for whom it is: nobody shall be sent to Plane by another site
    // and connect their account to the person of somebody else's link.
    if (is_from_elsewhere(*r, needs_.public_url))
      return answer(connect_page(*r, connect_notice::elsewhere));
    begin(r, answer, [self = shared_from_this()](const key_visit_ptr& v) {
      const auto hash = std::string_view{v->state_key}.substr(connect_ticket_prefix.size());
      v->answer(self->needs_.oauth->send_off(std::string{hash}));
    });
  }

  /// From Plane; that the state is ours, was not used and belongs to this browser is known.
  void came_back(const oauth_state& state, const std::shared_ptr<request>& r,
                 const responder& answer) {
    find(state.ticket, r, answer, [self = shared_from_this()](const key_visit_ptr& v) {
      v->offers_oauth = false;
      if (!v->ask->query_value("error").empty()) return v->say(connect_notice::denied);
      const secret code{v->ask->query_value("code")};
      if (code.empty() || code.reveal().size() > max_code_bytes)
        return v->say(connect_notice::code_refused);
      v->claim = self->claim(v->state_key);
      if (!v->claim) return v->say(connect_notice::busy);
      self->needs_.oauth->exchange(code, [self, v](result<personal_grant> grant) {
        self->judge_grant(v, std::move(grant));
      });
    });
  }

  void take(const std::shared_ptr<request>& r, const responder& answer) {
    if (is_from_elsewhere(*r, needs_.public_url))
      return answer(connect_page(*r, connect_notice::elsewhere));
    begin(r, answer, [self = shared_from_this()](const key_visit_ptr& v) {
      v->given.key = key_of(*v->ask);
      if (v->given.key.empty()) return v->say(connect_notice::not_a_key);
      v->claim = self->claim(v->state_key);
      if (!v->claim) return v->say(connect_notice::busy);
      self->needs_.check(v->given.key, [self, v](result<plane_account> account) {
        self->judge(v, std::move(account));
      });
    });
  }

private:
  /// Finds the ticket; `then` runs on the store's thread when there is one that counts.
  template <class Then>
  void begin(const std::shared_ptr<request>& r, const responder& answer, Then then) {
    const auto& token = r->path_params.at("token");
    find(is_link_token(token) ? sha256_hex(token) : std::string{}, r, answer, std::move(then));
  }

  template <class Then>
  void find(const std::string& token_hash, const std::shared_ptr<request>& r,
            const responder& answer, Then then) {
    if (!needs_.seal || !needs_.check) return answer(connect_page(*r, connect_notice::key_missing));
    if (token_hash.empty()) return answer(connect_page(*r, connect_notice::no_ticket));
    auto v = std::make_shared<key_visit>();
    v->ask = r;
    v->answer = answer;
    v->state_key = state_key_of(token_hash);
    v->offers_oauth = needs_.oauth != nullptr;
    needs_.store.read([self = shared_from_this(), v, then = std::move(then)](result<reader*> from) {
      if (!from) return v->say(connect_notice::store_is_away);
      auto text = (*from)->state(v->state_key);
      if (!text) return v->say(connect_notice::store_is_away);
      auto ticket = *text ? parse_ticket(**text) : std::nullopt;
      if (!ticket || ticket->ends <= self->needs_.clock.now() ||
          ticket->tries >= connect_ticket_tries)
        return v->say(connect_notice::no_ticket);
      v->ticket = std::move(*ticket);
      if (v->ticket.name.empty())  // for whom it is: nobody enters a key for somebody else
        if (const auto who = (*from)->user_mapping(v->ticket.open_id); who && *who)
          v->ticket.name = (*who)->name;
      then(v);
    });
  }

  std::shared_ptr<void> claim(const std::string& key) {
    {
      const std::lock_guard lock{guard_};
      if (!under_way_.insert(key).second) return nullptr;
    }
    return {this, [self = shared_from_this(), key](void*) {
              const std::lock_guard lock{self->guard_};
              self->under_way_.erase(key);
            }};
  }

  void judge(const key_visit_ptr& v, result<plane_account> account) {
    if (!account) {
      const auto& f = account.error();
      log::warn("a personal key could not be checked",
                {log::kv("code", f.code), log::kv("status", f.status)});
      if (f.code == errc::unauthorized || f.code == errc::forbidden) return count_try(v);
      return v->say(connect_notice::plane_is_away);
    }
    if (!is_uuid(account->id)) return v->say(connect_notice::plane_is_away);
    v->account = std::move(*account);
    look_whose(v);
  }

  void judge_grant(const key_visit_ptr& v, result<personal_grant> grant) {
    if (!grant) {
      const auto& f = grant.error();
      // Its words may repeat a code or a token.
      log::warn(
          "a person could not be connected by oauth",
          {log::kv("operation", f.where), log::kv("code", f.code), log::kv("status", f.status)});
      return v->say(f.code == errc::unauthorized || f.code == errc::forbidden
                        ? connect_notice::code_refused
                        : connect_notice::plane_fails);
    }
    if (!is_uuid(grant->whose.id)) return v->say(connect_notice::plane_fails);
    v->given = to_personal_key(grant->tokens, grant->whose.id, needs_.clock.now());
    v->account = {grant->whose.id, grant->whose.display_name, grant->whose.email};
    look_whose(v);
  }

  void look_whose(const key_visit_ptr& v) {
    v->given.plane_user = v->account.id;
    needs_.store.read([self = shared_from_this(), v](result<reader*> from) {
      if (!from) return v->say(connect_notice::store_is_away);
      auto mine = (*from)->user_mapping(v->ticket.open_id);
      auto theirs = (*from)->user_mapping_by_plane_user(v->account.id);
      // Again: the ticket may have been used between the two reads.
      auto still = (*from)->state(v->state_key);
      if (!mine || !theirs || !still) return v->say(connect_notice::store_is_away);
      if (!*still) return v->say(connect_notice::no_ticket);
      const bool mapped = *mine && !(*mine)->plane_user.empty() && !(*mine)->left;
      if (mapped && (*mine)->plane_user != v->account.id)
        return v->say(v->given.oauth ? connect_notice::other_login : connect_notice::other_account);
      // Whoever has a key has the account. Somebody who follows a link and agrees at Plane may have
      // followed somebody else's: their account is not made that person's by it.
      if (!mapped && v->given.oauth) return v->say(connect_notice::not_mapped);
      if (*theirs && (*theirs)->open_id != v->ticket.open_id)
        return v->say(connect_notice::account_taken);
      if (!mapped) v->mapping = *mine ? std::move(**mine) : user_mapping_row{};
      self->keep(v);
    });
  }

  void keep(const key_visit_ptr& v) {
    const auto now = needs_.clock.now();
    auto sealed =
        needs_.seal(personal_key_credential(v->ticket.open_id), secret{http::to_text(v->given)});
    if (!sealed) {
      log::error("a personal key could not be sealed", {log::kv("failure", sealed.error())});
      return v->say(sealed.error().code == errc::key_missing ? connect_notice::key_missing
                                                             : connect_notice::store_is_away);
    }
    write unit;
    unit.credentials.push_back(std::move(*sealed));
    unit.states.push_back({v->state_key, std::nullopt});
    unit.states.push_back({refused_key_state(v->ticket.open_id), std::nullopt});
    if (v->mapping) {
      // Whoever has the key is the person: nobody else has to say so.
      auto& m = *v->mapping;
      m.open_id = v->ticket.open_id;
      if (m.name.empty()) m.name = v->ticket.name;
      if (m.email.empty()) m.email = v->account.email;
      m.plane_user = v->account.id;
      m.how = mapped_by::automatic;
      m.left = false;
      m.changed_at = now;
      unit.user_mappings.push_back(std::move(m));
    }
    needs_.store.submit(std::move(unit), [self = shared_from_this(), v](const result<written>& w) {
      if (!w) return v->say(connect_notice::store_is_away);
      log::info(v->given.oauth ? "a person connected by oauth" : "a personal key was stored",
                {log::kv("person", v->ticket.open_id), log::kv("request", v->ask->id)});
      if (self->needs_.connected) self->needs_.connected(v->ticket.open_id);
      v->say(connect_notice::connected);
    });
  }

  /// A link is no place to try keys at.
  void count_try(const key_visit_ptr& v) {
    ++v->ticket.tries;
    write unit;
    unit.states.push_back({v->state_key, v->ticket.tries >= connect_ticket_tries
                                             ? std::nullopt
                                             : std::optional{to_text(v->ticket)}});
    needs_.store.submit(std::move(unit), [v](const result<written>& w) {
      v->say(w ? connect_notice::unknown_key : connect_notice::store_is_away);
    });
  }

  personal_key_dependencies needs_;
  std::mutex guard_;
  std::set<std::string> under_way_;  ///< of tickets whose key is being checked
};

}  // namespace

connect_ticket make_connect_ticket(std::string_view public_url, const std::string& open_id,
                                   const std::string& name, timestamp now, random_source& random) {
  std::string bytes(token_bytes, '\0');
  random.fill({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
  const auto token = to_base64url(bytes);
  return {secret{std::string{public_url} + "/connect/" + token},
          {state_key_of(sha256_hex(token)),
           to_text(kept_ticket{open_id, name, now + connect_ticket_life, 0})}};
}

void drop_old_connect_tickets(store& from, timestamp now) {
  from.read([&from, now](result<reader*> r) {
    if (!r) return;
    const auto all = (*r)->states(std::string{connect_ticket_prefix});
    if (!all) return;
    write unit;
    for (const auto& [key, text] : *all) {
      const auto ticket = parse_ticket(text);
      if (!ticket || ticket->ends <= now) unit.states.push_back({key, std::nullopt});
    }
    if (!unit.states.empty()) from.submit(std::move(unit), [](const result<written>&) {});
  });
}

personal_key to_personal_key(const protocol::plane::oauth_tokens& tokens,
                             const std::string& plane_user, timestamp now,
                             const secret& last_refresh) {
  return {tokens.access, plane_user, true, tokens.refresh.value_or(last_refresh),
          tokens.expires_in ? now + *tokens.expires_in : timestamp{}};
}

std::string to_text(const personal_key& k) {
  if (!k.oauth)
    return json::serialize(json::object{{"api_key", k.key.reveal()}, {"plane_user", k.plane_user}});
  return json::serialize(json::object{{"kind", "oauth"},
                                      {"access_token", k.key.reveal()},
                                      {"refresh_token", k.refresh.reveal()},
                                      {"expires_at", to_micros(k.expires_at)},
                                      {"plane_user", k.plane_user}});
}

result<personal_key> parse_personal_key(std::string_view text) {
  boost::system::error_code ec;
  const auto v = json::parse(text, ec);
  const auto* o = ec ? nullptr : v.if_object();
  const auto text_of = [&](std::string_view name) -> std::optional<std::string> {
    const auto* m = o != nullptr ? o->if_contains(name) : nullptr;
    if (m == nullptr || !m->is_string()) return std::nullopt;
    return std::string{m->get_string()};
  };
  const bool oauth = text_of("kind") == "oauth";
  const auto key = text_of(oauth ? "access_token" : "api_key");
  const auto user = text_of("plane_user");
  if (!key || !user)
    return failure{.code = errc::bad_input,
                   .where = "personal_key",
                   .detail = "the stored key does not read",
                   .remedy = "connect the account again"};
  personal_key out{secret{*key}, *user};
  if (!oauth) return out;
  out.oauth = true;
  out.refresh = secret{text_of("refresh_token").value_or("")};
  if (const auto* ends = o->if_contains("expires_at"); ends != nullptr && ends->is_int64())
    out.expires_at = from_micros(ends->get_int64());
  return out;
}

personal_key_page make_personal_key_page(personal_key_dependencies needs) {
  const bool oauth = needs.oauth != nullptr;
  const auto at = std::make_shared<key_endpoint>(std::move(needs));
  route show, take;
  show.method = "GET";
  take.method = "POST";
  show.pattern = take.pattern = "/connect/{token}";
  show.handle = [at](const std::shared_ptr<request>& r, const responder& a) { at->show(r, a); };
  take.handle = [at](const std::shared_ptr<request>& r, const responder& a) { at->take(r, a); };
  take.keep_body_bytes = form_bytes;
  take.content_types = {std::string{form_type}};
  personal_key_page out;
  out.routes.push_back(std::move(show));
  out.routes.push_back(std::move(take));
  if (oauth)
    out.came_back = [at](const oauth_state& s, const std::shared_ptr<request>& r,
                         const responder& a) { at->came_back(s, r, a); };
  return out;
}

std::vector<route> personal_key_routes(personal_key_dependencies needs) {
  return make_personal_key_page(std::move(needs)).routes;
}

person_return add_personal_key_page(server& to, personal_key_dependencies needs) {
  auto page = make_personal_key_page(std::move(needs));
  for (auto& r : page.routes) to.add(std::move(r));
  return std::move(page.came_back);
}

}  // namespace pb::http

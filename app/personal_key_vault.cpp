#include "app/personal_key_vault.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/personal_key.hpp"
#include "protocol/plane/answers.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::app {
namespace plane = protocol::plane;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
namespace {

constexpr milliseconds while_read = 20ms;
constexpr milliseconds while_renewed = 50ms;
constexpr milliseconds unreadable_pause = 2s;
constexpr milliseconds renewal_pause = 30s;  ///< after one that failed
constexpr unsigned failures_waited_for = 5;  ///< then the bot writes until one goes well
constexpr milliseconds renewal_patience = 20s;
constexpr auto renew_account_before = 5min;    ///< the end, and never in more than its last quarter
constexpr std::uint32_t share_of_scans = 100;  ///< nobody scans with a person's key

actors::admission_wait own_wait(milliseconds pause) {
  return {pause, actors::admission_wait::who::key};
}

/// What Plane says to a refresh token that it does not take, and to an app that it does not know.
bool refuses_the_app(const failure& f) {
  return f.detail.find("invalid_client") != std::string::npos ||
         f.detail.find("unauthorized_client") != std::string::npos;
}
bool refuses_the_token(const failure& f) {
  return f.code == errc::unauthorized || f.code == errc::forbidden || f.code == errc::bad_input;
}

/// The person behind a credential's name.
std::string person_of(const std::string& name) {
  static const std::string prefix = http::personal_key_credential("");
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

}  // namespace

void personal_key_vault::forget(const std::string& open_id) {
  const std::lock_guard hold{lock_};
  const auto it = held_.find(http::personal_key_credential(open_id));
  if (it == held_.end()) return;
  if (it->second.token.under_way)
    it->second.token.forgotten = true;
  else
    held_.erase(it);
}

void personal_key_vault::use(std::uint32_t per_minute) {
  const std::lock_guard hold{lock_};
  per_minute_ = per_minute;
  for (auto& [name, e] : held_) e.budget.use(per_minute, share_of_scans);
}

std::size_t personal_key_vault::held() const {
  const std::lock_guard hold{lock_};
  return held_.size();
}

std::optional<actors::admission_wait> personal_key_vault::admit(steady_time now,
                                                                const protocol::call& c) {
  std::uint64_t number = 0;
  // The second round finds what a store that answers at once has told.
  for (int round = 0; round < 2; ++round) {
    secret refresh;
    {
      const std::lock_guard hold{lock_};
      auto it = held_.find(c.credential);
      if (it == held_.end()) {
        make_room();
        it = held_.emplace(c.credential, entry{}).first;
        it->second.budget.use(per_minute_, share_of_scans);
      }
      auto& e = it->second;
      e.used = now;
      if (e.token.under_way) return own_wait(while_renewed);
      if (e.how != entry::is::asked && (now < e.until || e.token.unsaved)) {
        if (e.held.key.empty()) return std::nullopt;  // authorize() says why
        bool begin = false;
        if (const auto wait = what_renewal_asks(now, e, begin)) return wait;
        if (!begin) {
          const auto v = e.budget.admit(now, plane::purpose::person);
          if (v.go) return std::nullopt;
          return own_wait(v.wait);
        }
        e.token.under_way = true;
        if (!e.token.unsaved) refresh = e.held.refresh;
      } else {
        if (e.how == entry::is::asked && e.asked_as != 0) return own_wait(while_read);
        e.how = entry::is::asked;
        e.asked_as = number = ++last_look_up_;
      }
    }
    if (number != 0) {
      look_up(c.credential, std::exchange(number, 0));
      continue;
    }
    if (refresh.empty())
      save(c.credential);
    else
      renew(c.credential, refresh);
    return own_wait(while_renewed);
  }
  return own_wait(while_read);
}

// Tokens ------------------------------------------------------------------------------------------

bool personal_key_vault::ends_soon(const entry& e, timestamp now) const {
  if (e.held.expires_at == timestamp{}) return false;
  const auto quarter = (e.held.expires_at - e.since) / 4;
  return now >= e.held.expires_at - std::min<timestamp::duration>(renew_account_before, quarter);
}

bool personal_key_vault::is_good(const entry& e, timestamp now) const {
  return !e.token.due && (e.held.expires_at == timestamp{} || now < e.held.expires_at);
}

/// Under the lock. A wait; or `begin`: it is time to renew, or to store what was renewed.
std::optional<actors::admission_wait> personal_key_vault::what_renewal_asks(steady_time now,
                                                                            entry& e, bool& begin) {
  if (!may_renew(e)) return std::nullopt;
  const auto wall = clock_.now();
  const bool wanted = e.token.due || ends_soon(e, wall);
  if (!wanted && !e.token.unsaved) return std::nullopt;
  if (now >= e.token.not_before) {
    begin = true;
    return std::nullopt;
  }
  if (is_good(e, wall) || e.token.no_help) return std::nullopt;
  return actors::admission_wait{std::chrono::ceil<milliseconds>(e.token.not_before - now),
                                actors::admission_wait::who::call};
}

void personal_key_vault::renew(const std::string& name, const secret& refresh) {
  http::call_limits limits;
  limits.headers = limits.total = renewal_patience;
  limits.response_bytes = 1u << 20;
  renewals_->calls->send(
      plane::refresh_token_request(renewals_->app, refresh), limits,
      [self = shared_from_this(), name](const result<protocol::http_response>& got) {
        if (!got) return self->renewed(name, got.error());
        self->renewed(name, plane::parse_token_answer(*got));
      });
}

void personal_key_vault::end_renewal(const std::string& name, steady_time not_before) {
  const auto it = held_.find(name);
  if (it == held_.end()) return;
  auto& t = it->second.token;
  if (t.forgotten) {
    held_.erase(it);
    return;
  }
  t.under_way = false;
  t.not_before = not_before;
}

void personal_key_vault::renewed(const std::string& name, const result<plane::oauth_tokens>& got) {
  const auto now = clock_.steady_now();
  if (!got) {
    const auto& f = got.error();
    const bool app = refuses_the_app(f), ends = !app && refuses_the_token(f);
    if (app)
      log::error("Plane refuses the app that renews people's tokens, the bot writes for them",
                 {log::kv("person", person_of(name)), log::kv("status", f.status),
                  log::kv("remedy", "check PLANE_CLIENT_ID and PLANE_CLIENT_SECRET")});
    else
      log::warn("a person's token could not be renewed",
                {log::kv("person", person_of(name)), log::kv("code", f.code),
                 log::kv("status", f.status)});
    const std::lock_guard hold{lock_};
    if (const auto it = held_.find(name); it != held_.end()) {
      auto& t = it->second.token;
      t.ended = ends;
      t.no_help = app || ++t.failures >= failures_waited_for;
    }
    return end_renewal(name, now + renewal_pause);
  }
  {
    const std::lock_guard hold{lock_};
    const auto it = held_.find(name);
    if (it == held_.end()) return;
    auto& e = it->second;
    const auto wall = clock_.now();
    e.held = http::to_personal_key(*got, e.held.plane_user, wall, e.held.refresh);
    e.since = wall;
    if (std::exchange(e.token.due, false)) e.token.forced = now;
    e.token.no_help = false;
    e.token.failures = 0;
    e.token.unsaved = true;
  }
  save(name);
}

/// What was renewed goes into the store, in place of the one that it came of and of no other.
void personal_key_vault::save(const std::string& name) {
  store_.read([self = shared_from_this(), name](result<persistence::reader*> r) {
    const auto row = r ? (*r)->credential("default", name)
                       : result<std::optional<persistence::credential_row>>{r.error()};
    if (!row) return self->saved(name, {}, false);
    http::personal_key fresh;
    {
      const std::lock_guard hold{self->lock_};
      const auto it = self->held_.find(name);
      if (it == self->held_.end()) return;
      if (!*row || http::which_key(**row) != it->second.which) {
        self->held_.erase(it);  // withdrawn or replaced meanwhile
        return;
      }
      fresh = it->second.held;
    }
    auto sealed =
        self->sealer_.seal("default", name, secret{http::to_text(fresh)}, self->clock_.now());
    if (!sealed) return self->saved(name, {}, false);
    const auto which = http::which_key(*sealed);
    persistence::write unit;
    unit.credentials.push_back(std::move(*sealed));
    self->store_.submit(std::move(unit), [self, name, which, user = fresh.plane_user](
                                             const result<persistence::written>& w) {
      bool forgotten = false;
      {
        const std::lock_guard hold{self->lock_};
        const auto it = self->held_.find(name);
        forgotten = it != self->held_.end() && it->second.token.forgotten;
      }
      self->saved(name, which, w.has_value());
      if (forgotten) self->check_still_theirs(name, user);
    });
  });
}

void personal_key_vault::saved(const std::string& name, const std::string& which, bool stored) {
  if (!stored)
    log::warn("a renewed token of a person could not be stored, it is tried again",
              {log::kv("person", person_of(name))});
  const std::lock_guard hold{lock_};
  const auto now = clock_.steady_now();
  const auto it = held_.find(name);
  if (it == held_.end()) return;
  it->second.token.unsaved = !stored;
  if (stored) {
    it->second.which = which;
    it->second.until = now + believed;
  }
  end_renewal(name, stored ? steady_time{} : now + renewal_pause);
}

/// Their mapping was taken away while it was being stored: then it must not stay there.
void personal_key_vault::check_still_theirs(const std::string& name,
                                            const std::string& plane_user) {
  store_.read([self = shared_from_this(), name, plane_user](result<persistence::reader*> r) {
    if (!r) return;
    const auto who = (*r)->user_mapping(person_of(name));
    if (!who || (*who && !(*who)->left && (*who)->plane_user == plane_user)) return;
    persistence::write unit;
    unit.credentials.push_back({"default", name, "", "", self->clock_.now()});
    self->store_.submit(std::move(unit), [](const auto&) {});
  });
}

// The store ---------------------------------------------------------------------------------------

void personal_key_vault::look_up(const std::string& name, std::uint64_t number) {
  store_.read([self = shared_from_this(), name, number](result<persistence::reader*> r) {
    const auto now = self->clock_.steady_now();
    const auto row = r ? (*r)->credential("default", name)
                       : result<std::optional<persistence::credential_row>>{r.error()};
    const auto mark = r ? (*r)->state(http::refused_key_state(person_of(name)))
                        : result<std::optional<std::string>>{r.error()};
    if (!row || !mark) return self->found(name, number, now, {}, {}, false);
    self->found(name, number, now, *row, mark->value_or(""), true);
  });
}

void personal_key_vault::found(const std::string& name, std::uint64_t number, steady_time now,
                               std::optional<persistence::credential_row> row,
                               const std::string& refused, bool readable) {
  http::personal_key held;
  if (row && http::which_key(*row) != refused) {
    const auto plain = sealer_.open(*row);
    if (const auto k = plain ? http::parse_personal_key(plain->reveal())
                             : result<http::personal_key>{plain.error()})
      held = *k;
    else
      log::warn("a person's own key cannot be opened, the bot writes for them",
                {log::kv("person", person_of(name)), log::kv("failure", k.error())});
  }
  const std::lock_guard hold{lock_};
  const auto it = held_.find(name);
  if (it == held_.end() || it->second.asked_as != number) return;  // forgotten, or asked again
  auto& e = it->second;
  e.asked_as = 0;
  e.how = readable ? entry::is::there : entry::is::unreadable;
  e.until = now + (readable ? milliseconds{believed} : unreadable_pause);
  e.held = std::move(held);
  const auto which = row ? http::which_key(*row) : std::string{};
  if (which != e.which) {
    // Another key, and Plane counts it anew.
    e.budget = plane::request_budget{per_minute_, share_of_scans};
    e.which = which;
    e.token = {};
  }
  e.since = row ? row->changed_at : timestamp{};
}

/// Whoever was not heard of for longest goes; under the lock.
void personal_key_vault::make_room() {
  if (held_.size() < most_held) return;
  const auto goes = std::min_element(held_.begin(), held_.end(), [](const auto& a, const auto& b) {
    const bool stays_a = a.second.token.under_way || a.second.token.unsaved;
    const bool stays_b = b.second.token.under_way || b.second.token.unsaved;
    return std::tie(stays_a, a.second.used) < std::tie(stays_b, b.second.used);
  });
  if (!goes->second.token.under_way) held_.erase(goes);
}

std::optional<failure> personal_key_vault::authorize(protocol::http_request& request,
                                                     const std::string& name) {
  const std::lock_guard hold{lock_};
  const auto it = held_.find(name);
  const bool known = it != held_.end() && it->second.how == entry::is::there;
  if (!known) {
    failure f{errc::storage, "plane", "the person's own key could not be read"};
    f.retry_after = unreadable_pause;
    return f;
  }
  const auto& e = it->second;
  if (e.held.key.empty())
    return failure{errc::key_missing, "plane", "there is no key of that person that is good"};
  if (e.held.oauth && !is_good(e, clock_.now())) {
    if (e.token.ended)
      return failure{errc::unauthorized, "plane", "the person's token cannot be renewed"};
    if (e.token.no_help)
      return failure{errc::key_missing, "plane", "the person's token cannot be renewed now"};
  }
  using kind = plane::credential::kind;
  plane::authorize(request, {e.held.oauth ? kind::bearer : kind::api_key, e.held.key});
  return std::nullopt;
}

void personal_key_vault::note(steady_time now, const protocol::call& c,
                              const result<protocol::http_response>& r) {
  const std::lock_guard hold{lock_};
  const auto it = held_.find(c.credential);
  if (it == held_.end()) return;
  auto& b = it->second.budget;
  if (!r)
    b.note_no_answer();
  else if (r->status == 429)
    b.note_429(now, plane::retry_after_of(*r));
  else
    b.note_response(now, *r);
}

std::optional<std::string> personal_key_vault::refused(const std::string& credential,
                                                       timestamp begun) {
  const std::lock_guard hold{lock_};
  const auto it = held_.find(credential);
  if (it == held_.end() || it->second.which.empty() || it->second.since > begun)
    return std::nullopt;
  auto& e = it->second;
  if (e.token.under_way) return std::nullopt;
  const auto now = clock_.steady_now();
  if (may_renew(e) && (!e.token.forced || now - *e.token.forced > renewed_for_nothing)) {
    e.token.due = true;
    return std::nullopt;
  }
  e.held = {};
  return e.which;
}

void join_personal_keys(actors::runtime_parts& parts, std::shared_ptr<personal_key_vault> vault) {
  auto calls = std::make_shared<actors::remotes>(*parts.calls);
  calls->people = vault;
  parts.calls = std::move(calls);
  parts.plane = [make = std::move(parts.plane), vault] {
    auto p = make();
    p.authorize_as = [vault](protocol::http_request& request, const std::string& name) {
      return vault->authorize(request, name);
    };
    p.admit = [vault, bot = std::move(p.admit)](steady_time now, actors::urgency how,
                                                const protocol::call& c) {
      return c.credential.empty() ? bot(now, how, c) : vault->admit(now, c);
    };
    p.note = [vault, bot = std::move(p.note)](steady_time now, const protocol::call& c,
                                              const result<protocol::http_response>& r) {
      return c.credential.empty() ? bot(now, c, r) : vault->note(now, c, r);
    };
    return p;
  };
}

}  // namespace pb::app

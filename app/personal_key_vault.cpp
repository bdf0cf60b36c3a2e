#include "app/personal_key_vault.hpp"

#include <algorithm>

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
constexpr milliseconds unreadable_pause = 2s;
constexpr std::uint32_t share_of_scans = 100;  ///< nobody scans with a person's key

actors::admission_wait own_wait(milliseconds pause) {
  return {pause, actors::admission_wait::who::key};
}

/// The person behind a credential's name.
std::string person_of(const std::string& name) {
  static const std::string prefix = http::personal_key_credential("");
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

}  // namespace

void personal_key_vault::forget(const std::string& open_id) {
  const std::lock_guard hold{lock_};
  held_.erase(http::personal_key_credential(open_id));
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
      if (e.how != entry::is::asked && now < e.until) {
        if (e.key.empty()) return std::nullopt;  // authorize() says why
        const auto v = e.budget.admit(now, plane::purpose::person);
        if (v.go) return std::nullopt;
        return own_wait(v.wait);
      }
      if (e.how == entry::is::asked && e.asked_as != 0) return own_wait(while_read);
      e.how = entry::is::asked;
      e.asked_as = number = ++last_look_up_;
    }
    look_up(c.credential, number);
  }
  return own_wait(while_read);
}

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
  secret key;
  if (row && http::which_key(*row) != refused) {
    const auto plain = sealer_.open(*row);
    if (const auto k = plain ? http::parse_personal_key(plain->reveal())
                             : result<http::personal_key>{plain.error()})
      key = k->key;
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
  e.key = std::move(key);
  const auto which = row ? http::which_key(*row) : std::string{};
  if (which != e.which) {
    // Another key, and Plane counts it anew.
    e.budget = plane::request_budget{per_minute_, share_of_scans};
    e.which = which;
  }
  e.since = row ? row->changed_at : timestamp{};
}

/// Whoever was not heard of for longest goes; under the lock.
void personal_key_vault::make_room() {
  if (held_.size() < most_held) return;
  held_.erase(std::min_element(held_.begin(), held_.end(), [](const auto& a, const auto& b) {
    return a.second.used < b.second.used;
  }));
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
  if (it->second.key.empty())
    return failure{errc::key_missing, "plane", "there is no key of that person that is good"};
  plane::authorize(request, {plane::credential::kind::api_key, it->second.key});
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
  it->second.key = {};
  return it->second.which;
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

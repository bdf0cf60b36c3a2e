#include "actors/facts_lookup.hpp"

#include <algorithm>

#include "actors/asking.hpp"
#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"
#include "protocol/lark/content.hpp"
#include "protocol/lark/exchanges.hpp"
#include "protocol/lark/intake.hpp"
#include "protocol/plane/exchanges.hpp"
#include "sync/channel_options.hpp"

namespace pb::actors {
namespace plane_ns = protocol::plane;
namespace lark_ns = protocol::lark;
using kind = sync::need::kind;
using persistence::reader;
using namespace std::chrono_literals;

namespace {

constexpr auto members_life = std::chrono::milliseconds{5min};
/// Somebody whom nobody could be found for is looked for again after this.
constexpr auto look_again_after = 1h;

}  // namespace

std::string lower_ascii(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

void facts_lookup::find(const sync::need& what, urgency how, done then) {
  switch (what.what) {
    case kind::bot:
      return bot(what, how, std::move(then));
    case kind::chat:
      return chat(what, how, std::move(then));
    case kind::channels:
      return channels(what, std::move(then));
    case kind::person:
      return person(what, how, std::move(then));
    case kind::project:
      return project(what, how, std::move(then));
    case kind::projects:
      return projects(what, how, std::move(then));
    case kind::item:
      return item(what, how, std::move(then));
    case kind::receipt:
      return receipt(what, std::move(then));
    case kind::quoted:
      return quoted(what, how, std::move(then));
    case kind::place:
      return place(what, std::move(then));
  }
  then(not_had(what, failure{errc::bad_input, "facts", "no such kind of fact"}));
}

// Means -------------------------------------------------------------------------------------------

void facts_lookup::read(const sync::need& n, done then,
                        std::function<void(reader&, const done&)> body) {
  from_.ctx->store.read([n, then = std::move(then), body = std::move(body)](result<reader*> r) {
    if (!r) return then(not_had(n, r.error()));
    body(**r, then);
  });
}

void facts_lookup::plane(const sync::need& n, exchange_ptr what, urgency how,
                         std::function<void(performed)> then) const {
  ask_remote(from_.plane, std::move(what), how, "facts " + n.key, from_.ctx->clock.now(),
             std::move(then));
}
void facts_lookup::lark(const sync::need& n, exchange_ptr what, urgency how,
                        std::function<void(performed)> then) const {
  ask_remote(from_.lark, std::move(what), how, "facts " + n.key, from_.ctx->clock.now(),
             std::move(then));
}

bool facts_lookup::is_admin(const std::string& open_id) const {
  return std::find(from_.admins.begin(), from_.admins.end(), open_id) != from_.admins.end();
}

void facts_lookup::workspace_members(urgency how, std::function<void(result<members>)> then) {
  {
    std::unique_lock hold{lock_};
    if (members_ && from_.ctx->steady_ms() < members_until_) {
      auto known = members_;
      hold.unlock();
      return then(std::move(known));
    }
    members_asked_.push_back(std::move(then));
    if (members_asked_.size() > 1) return;
  }
  ask_remote(from_.plane,
             std::make_shared<plane_ns::list_members_all>(from_.calls->api_now(), std::string{}),
             how, "facts members", from_.ctx->clock.now(),
             [self = shared_from_this()](const performed& p) {
               result<members> told =
                   p.failed ? result<members>{*p.failed}
                            : result<members>{std::make_shared<const std::vector<plane_ns::member>>(
                                  as<plane_ns::list_members_all>(p).values())};
               std::vector<std::function<void(result<members>)>> waiting;
               {
                 const std::lock_guard hold{self->lock_};
                 waiting.swap(self->members_asked_);
                 if (told) {
                   self->members_ = *told;
                   self->members_until_ = self->from_.ctx->steady_ms() + members_life;
                 }
               }
               for (const auto& w : waiting) w(told);
             });
}

void facts_lookup::forget_members() {
  const std::lock_guard hold{lock_};
  members_until_ = {};
}

// In Feishu ---------------------------------------------------------------------------------------

void facts_lookup::bot(const sync::need& n, urgency how, done then) {
  if (!from_.bot_open_id.empty()) {
    auto a = found(n);
    a.found.bot = from_.bot_open_id;
    return then(std::move(a));
  }
  lark(n, std::make_shared<lark_ns::read_bot>(from_.lark_api), how,
       [n, then = std::move(then)](const performed& p) {
         if (p.failed) return then(not_had(n, *p.failed));
         auto a = found(n);
         a.found.bot = as<lark_ns::read_bot>(p).value().open_id;
         then(std::move(a));
       });
}

void facts_lookup::chat(const sync::need& n, urgency how, done then) {
  lark(n, std::make_shared<lark_ns::read_chat>(from_.lark_api, n.key), how,
       [n, then = std::move(then)](const performed& p) {
         auto a = found(n);
         auto& entry = a.found.chats[n.key];
         if (!p.failed) {
           const auto& c = as<lark_ns::read_chat>(p).value();
           entry = sync::chat_facts{n.key, c.name, c.external, c.topic, c.p2p};
         } else if (lark_ns::remedy_of(*p.failed) != lark_ns::remedy::unlink) {
           return then(not_had(n, *p.failed));
         }
         then(std::move(a));
       });
}

void facts_lookup::quoted(const sync::need& n, urgency how, done then) {
  lark(n, std::make_shared<lark_ns::read_message>(from_.lark_api, n.key), how,
       [n, then = std::move(then)](const performed& p) {
         auto a = found(n);
         auto& text = a.found.quoted[n.key];
         if (!p.failed) {
           const auto& m = as<lark_ns::read_message>(p).value();
           if (!m.deleted) text = lark_ns::plain(lark_ns::read_content(m));
         } else if (!is_nothing(*p.failed)) {
           return then(not_had(n, *p.failed));
         }
         then(std::move(a));
       });
}

// In our store ------------------------------------------------------------------------------------

void facts_lookup::channels(const sync::need& n, done then) {
  read(n, std::move(then), [n](reader& r, const done& to) {
    const auto rows = r.channel_mappings(n.key);
    if (!rows) return to(not_had(n, rows.error()));
    auto a = found(n);
    auto& list = a.found.channels[n.key];
    for (const auto& row : *rows) {
      auto m = sync::read_channel_mapping(row.chat, row.project, row.options);
      if (m)
        list.push_back(std::move(*m));
      else
        log::error("a channel mapping does not read",
                   {log::kv("chat", row.chat), log::kv("project", row.project),
                    log::kv("failure", m.error())});
    }
    to(std::move(a));
  });
}

void facts_lookup::receipt(const sync::need& n, done then) {
  const auto colon = n.key.find(':');
  if (colon == std::string::npos)
    return then(not_had(n, failure{errc::bad_input, "facts", "a receipt without its integration"}));
  read(n, std::move(then),
       [n, integration = n.key.substr(0, colon), object = n.key.substr(colon + 1)](reader& r,
                                                                                   const done& to) {
         const auto row = r.receipt(integration, object);
         if (!row) return to(not_had(n, row.error()));
         auto a = found(n);
         auto& entry = a.found.receipts[n.key];
         if (*row) entry = sync::receipt_fact{(*row)->entity.text(), (*row)->remote_id};
         to(std::move(a));
       });
}

void facts_lookup::place(const sync::need& n, done then) {
  read(n, std::move(then), [n](reader& r, const done& to) {
    const auto whose = r.journaled_for("lark", lark_ns::message_identity(n.key));
    if (!whose) return to(not_had(n, whose.error()));
    auto a = found(n);
    a.found.places[n.key] = *whose ? (*whose)->text() : "";
    to(std::move(a));
  });
}

// People ------------------------------------------------------------------------------------------

void facts_lookup::person(const sync::need& n, urgency how, done then) {
  read(n, std::move(then), [self = shared_from_this(), n, how](reader& r, const done& to) {
    const auto row = r.user_mapping(n.key);
    if (!row) return to(not_had(n, row.error()));
    const auto key = r.credential("default", http::personal_key_credential(n.key));
    if (!key) return to(not_had(n, key.error()));
    const auto refused = r.state(http::refused_key_state(n.key));
    if (!refused) return to(not_had(n, refused.error()));
    sync::person_facts p;
    p.open_id = n.key;
    p.admin = self->is_admin(n.key);
    const bool mapped = *row && !(*row)->left && !(*row)->plane_user.empty();
    p.own_key = mapped && *key && (!*refused || **refused != http::which_key(**key));
    const auto now = self->from_.ctx->clock.now();
    const bool settled =
        *row && ((*row)->left || !(*row)->plane_user.empty() ||
                 (*row)->how == persistence::mapped_by::manual ||
                 (now >= (*row)->changed_at && now < (*row)->changed_at + look_again_after));
    if (*row) p.name = (*row)->name;
    if (!settled) return self->person_by_email(n, how, std::move(p), to);
    if (!(*row)->left) p.plane_user = (*row)->plane_user;
    auto a = found(n);
    a.found.people[n.key] = std::move(p);
    to(std::move(a));
  });
}

void facts_lookup::person_by_email(const sync::need& n, urgency how, sync::person_facts known,
                                   done then) {
  auto self = shared_from_this();
  lark(
      n, std::make_shared<lark_ns::read_person>(from_.lark_api, n.key), how,
      [self, n, how, known = std::move(known), then = std::move(then)](const performed& p) mutable {
        const auto settle = [self, n, then](sync::person_facts is) {
          auto a = found(n);
          a.found.people[n.key] = std::move(is);
          then(std::move(a));
        };
        if (p.failed) {
          // Without the scope for it nobody is found by e-mail: unmapped, and told how to be.
          using lark_ns::remedy;
          const auto what = lark_ns::remedy_of(*p.failed);
          if (what == remedy::alert || what == remedy::give_up || is_nothing(*p.failed))
            return settle(std::move(known));
          return then(not_had(n, *p.failed));
        }
        const auto who = as<lark_ns::read_person>(p).value();
        known.name = who.name.empty() ? known.name : who.name;
        self->workspace_members(how, [self, n, who, known = std::move(known), settle,
                                      then](const result<members>& all) mutable {
          if (!all) return then(not_had(n, all.error()));
          const plane_ns::member* match = nullptr;
          bool several = false;
          const auto email = lower_ascii(who.email);
          for (const auto& m : **all)
            if (!email.empty() && lower_ascii(m.user.email) == email) {
              several = match != nullptr;
              match = &m;
            }
          persistence::user_mapping_row row;
          row.open_id = n.key;
          row.union_id = who.who.union_id;
          row.name = known.name;
          row.email = who.email;
          row.how = persistence::mapped_by::automatic;
          row.left = who.resigned;
          row.changed_at = self->from_.ctx->clock.now();
          if (match != nullptr && !several && !who.resigned) row.plane_user = match->user.id;
          known.plane_user = row.plane_user;
          persistence::write unit;
          unit.user_mappings.push_back(std::move(row));
          self->from_.ctx->store.submit(std::move(unit), [](const result<persistence::written>& w) {
            if (!w) log::warn("a mapping was not stored", {log::kv("failure", w.error())});
          });
          settle(std::move(known));
        });
      });
}

}  // namespace pb::actors

#include "actors/runtime.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <mutex>
#include <thread>

#include "actors/calendar_watch.hpp"
#include "actors/chat_lane.hpp"
#include "actors/connector.hpp"
#include "actors/cron_actor.hpp"
#include "actors/dispatcher.hpp"
#include "actors/facts_directory.hpp"
#include "actors/front.hpp"
#include "actors/issue_actor.hpp"
#include "actors/people_mapping.hpp"
#include "actors/plane_watch.hpp"
#include "actors/runtime_impl.hpp"
#include "actors/supervised.hpp"
#include "actors/thread_actor.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "sync/between.hpp"
#include "sync/lark_effects.hpp"

namespace pb::actors {
namespace json = boost::json;
using persistence::delivery_status;
using persistence::effect_status;
using std::chrono::milliseconds;

namespace {

caf::actor_system_config& configure(caf::actor_system_config& cfg, const runtime_parts& p) {
  if (p.deterministic) return cfg.set("scheduler.policy", caf::atom("testing"));
  // Sharing: with the default (stealing) a hand-over from an HTTP thread takes ten times as long.
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", static_cast<std::size_t>(p.ctx->opt().scheduler_threads));
  cfg.set("scheduler.max-throughput", static_cast<std::size_t>(p.ctx->opt().scheduler_throughput));
  return cfg;
}

failure no_such(const std::string& id) {
  return {errc::not_found,
          "dead_letters",
          "there is no dead letter " + id,
          "list them: planebridge dead-letters list",
          0,
          "",
          {}};
}

std::int64_t number_after_letter(const std::string& id) {
  std::int64_t n = 0;
  if (id.size() < 2) return 0;
  const auto [end, ec] = std::from_chars(id.data() + 1, id.data() + id.size(), n);
  return ec == std::errc{} && end == id.data() + id.size() ? n : 0;
}

}  // namespace

runtime::impl::impl(runtime_parts p) : parts(std::move(p)), system(configure(config, parts)) {
  auto& ctx = parts.ctx;
  plane = spawn_connector(system, ctx, parts.plane, plane_status);
  caldav = spawn_connector(system, ctx, parts.caldav, caldav_status);
  if (parts.lark) lark = spawn_connector(system, ctx, parts.lark, lark_status);
  if (lark) {
    sources.emplace(facts_sources{ctx, plane, lark, parts.calls,
                                  parts.chat ? parts.chat->api : protocol::lark::api{},
                                  parts.bot_open_id, parts.admins});
    if (!parts.facts) parts.facts = make_facts_directory(*sources);
    previews = make_preview_desk(system, *sources, parts.facts);
  }
  // The calendar watcher journals through the dispatcher, whose entities ask the watcher: they are
  // filled in once both exist. The dispatcher may find a backlog at once, hence the lock.
  struct wiring {
    std::mutex lock;
    issue_peers peers;
    thread_peers conversations;
  };
  auto wires = std::make_shared<wiring>();
  std::unique_lock wiring_up{wires->lock};
  dispatcher = supervise(system, ctx, "dispatcher", [this, wires] {
    return spawn_dispatcher(
        system, parts.ctx,
        [this, wires](const entity_key& key, std::uint64_t incarnation, const dispatcher_actor& d) {
          const std::lock_guard hold{wires->lock};
          if (key.source() == "lark")
            return spawn_thread(system, parts.ctx, key, incarnation, d, wires->conversations);
          return spawn_issue(system, parts.ctx, key, incarnation, d, wires->peers);
        });
  });
  calendars = supervise(system, ctx, "calendar-watch", [this, to = dispatcher, via = caldav] {
    return spawn_calendar_watch(system, parts.ctx, to, via, parts.calls, board);
  });
  if (lark)
    ctx->alarms.connect([ctx, to = dispatcher](const std::string& chat, const std::string& text) {
      const std::string form{sync::chat_alarm::form};
      const auto now = ctx->clock.now();
      journal_own(ctx, to,
                  {own_delivery(*ctx, "internal", form, form, entity_key::lark_chat(chat),
                                sync::to_json(sync::between{sync::chat_alarm{text}}),
                                "alarm:" + std::to_string(to_micros(now)) + ":" +
                                    sha256_hex(text).substr(0, 16))},
                  [](const result<std::size_t>& n) {
                    if (!n) log::warn("an alarm was not told", {log::kv("failure", n.error())});
                  });
    });
  wires->peers = {plane, caldav, calendars, parts.calls, {lark, parts.chat, turns}};
  wires->conversations = {lark, plane, parts.calls, parts.chat, parts.facts};
  wiring_up.unlock();
  intake = std::make_shared<front>(ctx, dispatcher);
  watch = supervise(system, ctx, "plane-watch",
                    [this, peers = plane_watch_peers{dispatcher, plane, calendars, parts.calls,
                                                     board, parts.facts}] {
                      return spawn_plane_watch(system, parts.ctx, peers);
                    });
  std::vector<cron_entry> entries;
  entries.push_back({"retention", ctx->opt().retention_cron, [ctx] {
                       ctx->store.retain(
                           {ctx->clock.now(), ctx->opt().retention_days, ctx->opt().identity_days},
                           [](const result<std::int64_t>& n) {
                             if (n)
                               log::info("retention removed finished rows", {log::kv("rows", *n)});
                             else
                               log::warn("retention failed", {log::kv("failure", n.error())});
                           });
                     }});
  if (!ctx->opt().full_sync_cron.empty())
    entries.push_back(
        {"full_sync", ctx->opt().full_sync_cron, [this, to = watch] {
           caf::anon_send(
               to, start_sync{"cron-" + format_rfc3339(parts.ctx->clock.now()), "", false, false});
         }});
  cron = supervise(system, ctx, "cron", [this, entries = std::move(entries)] {
    return spawn_cron(system, parts.ctx, entries, crons);
  });
  // so that the first one who looks at health sees something
  (void)ctx->queues.look();
}

runtime::runtime(runtime_parts parts) : impl_(std::make_unique<impl>(std::move(parts))) {}

runtime::~runtime() {
  // Actors that end after what they refer to is gone would crash: a start that failed halfway waits
  // for them, which takes no time unless one hangs.
  if (!impl_->stopped) stop(std::chrono::seconds{5});
}

void runtime::settle(milliseconds grace) const {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto all = impl_->parts.ctx->probes.all();
    const bool busy = std::any_of(all.begin(), all.end(), [](const probe::figures& f) {
      return (f.kind == "issue" || f.kind == "thread") &&
             (!f.in_flight.empty() || f.mailbox > 0 || f.state.starts_with("planning") ||
              f.state.starts_with("waiting"));
    });
    if (!busy) return;
    std::this_thread::sleep_for(milliseconds{10});
  }
}

void runtime::reconfigure(const options& next) { impl_->parts.ctx->reconfigure(next); }

std::vector<std::string> runtime::stop(milliseconds grace) {
  auto& i = *impl_;
  if (std::exchange(i.stopped, true)) return {};
  i.intake->close();
  i.parts.ctx->alarms.connect({});
  std::size_t left = 0;
  {
    caf::scoped_actor self{i.system};
    const auto end = [&](auto& handle) {
      if (!handle) return;
      self->monitor(handle);
      self->send_exit(handle, caf::exit_reason::user_shutdown);
      handle = nullptr;
      ++left;
    };
    end(i.cron);
    end(i.watch);
    end(i.dispatcher);
    end(i.calendars);
    end(i.plane);
    end(i.caldav);
    end(i.lark);
    i.turns->close();
    // they hold the connectors
    if (i.previews) i.previews->close();
    i.sources.reset();
    i.parts.facts.reset();
    if (i.parts.deterministic) {
      i.run_all();
      left = 0;
    }
    const auto deadline = std::chrono::steady_clock::now() + grace;
    while (left > 0) {
      const auto rest =
          std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
      if (rest <= milliseconds{0}) break;
      bool expired = false;
      self->receive([&](const caf::down_msg&) { --left; },
                    caf::after(rest) >> [&] { expired = true; });
      if (expired) break;
    }
  }
  std::vector<std::string> busy;
  if (left > 0)
    for (const auto& f : i.parts.ctx->probes.all())
      busy.push_back(f.kind + " " + f.key + ": " + f.state);
  if (left > 0) i.system.await_actors_before_shutdown(false);
  return busy;
}

void runtime::accept(persistence::delivery_append verified,
                     std::function<void(result<http::acceptance>)> done) {
  if (verified.row.source == "plane")
    impl_->parts.ctx->gaps.webhook_arrived(verified.row.received_at, verified.row.event);
  // Its facts come from Plane, where it has changed already.
  if (verified.row.source == "plane" && verified.row.entity.kind() == "project") {
    forget({sync::need::kind::project, std::string{verified.row.entity.id()}});
    forget({sync::need::kind::projects, ""});
  }
  impl_->intake->accept(std::move(verified), std::move(done));
}

void runtime::journaled(const std::shared_ptr<persistence::delivery>& row, bool duplicate) {
  journaled_later(impl_->parts.ctx, impl_->dispatcher, row, duplicate);
}

void runtime::wrongly_signed(std::string_view work_item, timestamp at) {
  impl_->parts.ctx->gaps.webhook_refused(work_item, at);
}

void runtime::subscribe(std::function<bool(std::string_view, std::string_view)> sink) {
  impl_->parts.ctx->bus.subscribe(std::move(sink));
}

bool runtime::ready() const {
  return impl_->parts.ctx->store.health() == persistence::store_health::up && !impl_->stopped;
}

void runtime::forget(const sync::need& what) {
  if (const auto desk = impl_->parts.facts) desk->forget(what);
}

std::shared_ptr<http::preview_source> runtime::previews() const { return impl_->previews; }

void runtime::map_people(bool dry_run, std::function<void(result<people_report>)> done) {
  if (impl_->stopped || !impl_->sources)
    return done(failure{errc::key_missing, "mappings", "Feishu is not configured",
                        "set lark.app_id and lark.app_secret"});
  actors::map_people(
      *impl_->sources, dry_run,
      [desk = impl_->parts.facts, dry_run, done = std::move(done)](result<people_report> r) {
        if (r && !dry_run) {
          desk->forget({sync::need::kind::person, ""});
          desk->forget({sync::need::kind::project, ""});
        }
        done(std::move(r));
      });
}

void runtime::retry_dead_letter(const std::string& id,
                                std::function<void(result<std::string>)> done) {
  auto& i = *impl_;
  const auto n = number_after_letter(id);
  if (n == 0 || (id[0] != 'd' && id[0] != 'e')) return done(no_such(id));
  i.parts.ctx->store.read([ctx = i.parts.ctx, dispatcher = i.dispatcher, id, n,
                           done = std::move(done)](result<persistence::reader*> r) {
    if (!r) return done(r.error());
    if (id[0] == 'd') {
      auto d = (*r)->delivery_by_seq(n);
      if (!d) return done(d.error());
      if (!*d || (*d)->status != delivery_status::dead) return done(no_such(id));
      // Journal order is a promise, so a retry is a new row; the old one says where it went.
      persistence::delivery_append again;
      again.row = **d;
      again.row.seq = 0;
      again.row.attempts = 0;
      again.row.status = delivery_status::pending;
      again.row.reason.clear();
      again.row.received_at = ctx->clock.now();
      again.identities.push_back("retry:" + std::to_string(n) + ":" +
                                 std::to_string(to_micros(ctx->clock.now())));
      auto row = std::make_shared<persistence::delivery>(again.row);
      persistence::write unit;
      unit.appends.push_back(std::move(again));
      unit.marks.push_back({n, delivery_status::skipped, "retried by an operator", (*d)->attempts});
      ctx->store.submit(
          std::move(unit), [ctx, dispatcher, row, done](const result<persistence::written>& w) {
            if (!w) return done(w.error());
            row->seq = w->appends.front().seq;
            hand_over(ctx, dispatcher, row);
            done(json::serialize(json::object{{"retried_as", "d" + std::to_string(row->seq)}}));
          });
      return;
    }
    auto e = (*r)->effect_by_id(n);
    if (!e) return done(e.error());
    if (!*e || (*e)->status != effect_status::dead) return done(no_such(id));
    // A retry renders from now; a fresh age and a fresh budget of attempts. What may have been done
    // stays so: it is not replaced, and looked for before it is repeated.
    auto revived = **e;
    revived.status = effect_status::waiting;
    if (revived.attempts > 0 && revived.integration == chat_lane::name)
      revived.payload = sync::sent_perhaps(revived.payload, revived.created_at);
    revived.attempts = std::min<std::int32_t>(revived.attempts, 1);
    revived.created_at = revived.due_at = ctx->clock.now();
    revived.finished_at.reset();
    persistence::write unit;
    unit.effects.push_back(revived);
    const auto key = revived.entity;
    ctx->store.submit(std::move(unit),
                      [dispatcher, key, id, done](const result<persistence::written>& w) {
                        if (!w) return done(w.error());
                        caf::anon_send(dispatcher, reload_entity{key});
                        done(json::serialize(json::object{{"retried", id}}));
                      });
  });
}

void runtime::skip_dead_letter(const std::string& id,
                               std::function<void(result<std::string>)> done) {
  auto& i = *impl_;
  const auto n = number_after_letter(id);
  if (n == 0 || (id[0] != 'd' && id[0] != 'e')) return done(no_such(id));
  i.parts.ctx->store.read([ctx = i.parts.ctx, dispatcher = i.dispatcher, id, n,
                           done = std::move(done)](result<persistence::reader*> r) {
    if (!r) return done(r.error());
    persistence::write unit;
    entity_key key;
    if (id[0] == 'd') {
      auto d = (*r)->delivery_by_seq(n);
      if (!d) return done(d.error());
      if (!*d || (*d)->status != delivery_status::dead) return done(no_such(id));
      unit.marks.push_back(
          {n, delivery_status::skipped, "skipped by an operator: " + (*d)->reason, (*d)->attempts});
    } else {
      auto e = (*r)->effect_by_id(n);
      if (!e) return done(e.error());
      if (!*e || (*e)->status != effect_status::dead) return done(no_such(id));
      auto skipped = **e;
      skipped.status = effect_status::cancelled;
      skipped.finished_at = ctx->clock.now();
      skipped.last_error = "skipped by an operator: " + skipped.last_error;
      key = skipped.entity;
      unit.effects.push_back(std::move(skipped));
    }
    ctx->store.submit(std::move(unit),
                      [dispatcher, key, id, done](const result<persistence::written>& w) {
                        if (!w) return done(w.error());
                        if (!key.empty()) caf::anon_send(dispatcher, reload_entity{key});
                        done(json::serialize(json::object{{"skipped", id}}));
                      });
  });
}

void runtime::sync_now(const http::sync_request& r, std::function<void(result<std::string>)> done) {
  auto& i = *impl_;
  const std::string id = make_uuid(i.parts.ctx->random);
  i.board->update(id, [&](sync_report& s) { s.started_at = i.parts.ctx->clock.now(); });
  caf::anon_send(i.watch, start_sync{id, r.project, r.dry_run, true});
  done(json::serialize(json::object{{"id", id}}));
}

std::string runtime::sync_status(const std::string& id) const { return impl_->board->json(id); }

}  // namespace pb::actors

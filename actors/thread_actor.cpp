#include "actors/thread_actor.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "actors/delivery_forms.hpp"
#include "actors/edge.hpp"
#include "actors/front.hpp"
#include "actors/thread_state.hpp"
#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"
#include "protocol/lark/events.hpp"

namespace pb::actors {
namespace json = boost::json;
using persistence::effect;
using persistence::effect_status;
namespace {

constexpr std::chrono::milliseconds facts_pause{10'000};

/// Who is called by a message that names a bot is nothing to guess about: a command would be lost,
/// or another bot's obeyed; and while Feishu does not say, nothing could be answered there either.
/// Nor is what a work item tells: nobody waits for an answer, and what may not be shown as long as
/// it is not known who sees it would be lost.
bool is_waited_for(const sync::need& n, const persistence::delivery& d) {
  return n.what == sync::need::kind::bot || d.source == "internal";
}
/// It may be had later. A missing right does not come by itself: then it is decided without.
bool may_pass(const failure& f) {
  switch (f.code) {
    case errc::unauthorized:  // a token that ran out is renewed
    case errc::rate_limited:
    case errc::upstream_down:
    case errc::timed_out:
    case errc::breaker_open:
    case errc::cancelled:
    case errc::storage:
    case errc::tls:
    case errc::dns:
      return true;
    default:
      return false;
  }
}

/// A decision asks for more with each answer (the link, its item, the item's project …). One that
/// goes on asking is a bug, and ends.
constexpr int rounds_limit = 16;

persistence::effect_class class_of(sync::wanted_message::kind k) {
  switch (k) {
    case sync::wanted_message::kind::digest:
      return persistence::effect_class::digest;
    case sync::wanted_message::kind::state:
      return persistence::effect_class::state;
    default:
      return persistence::effect_class::append;
  }
}

}  // namespace

entity_actor::behavior_type thread_state::start(context_ptr ctx, entity_key key,
                                                std::uint64_t incarnation,
                                                dispatcher_actor dispatcher, thread_peers peers) {
  peers_ = std::move(peers);
  conversation& speaker = *this;
  owner& writer = *this;
  auto lane = std::make_unique<chat_lane>(*this, speaker, peers_);
  chat_ = lane.get();
  add_lane(std::move(lane));
  add_lane(std::make_unique<plane_lane>(*this, writer, peers_.plane, peers_.calls, false));
  return begin(name, std::move(ctx), std::move(key), incarnation, std::move(dispatcher));
}

void thread_state::recall(const persistence::entity_state& /*state*/) {
  auto known = sync::parse_thread_knowledge(row_.known);
  if (!known) {
    log::error("stored knowledge unreadable, starting anew",
               {log::kv("entity", key_), log::kv("failure", known.error())});
    known = sync::thread_knowledge{};
  }
  known_ = std::move(*known);
  // The first that is heard of it may come from a work item, and says nothing of this.
  if (key_.kind() == "chat" && known_.chat.empty()) known_.chat = std::string{key_.id()};
  if (key_.kind() == "thread" && known_.root.empty()) known_.root = std::string{key_.id()};
}

/// No parent: whoever lists a project's items finds no conversations among them.
std::string thread_state::write_row() {
  row_.parent.clear();
  row_.tombstone = false;
  return sync::to_json(known_);
}

void thread_state::tell_about(json::object& into) const { into["name"] = known_.item.name; }

void thread_state::judge_current() {
  inquiry_.reset();
  decide();
}

result<sync::thread_verdict> thread_state::verdict(const sync::facts& given) const {
  const auto& d = *current_;
  const std::string_view body = d.body ? std::string_view{*d.body} : std::string_view{};
  const auto now = ctx_->clock.now();
  if (d.form == forms::lark_event) {
    auto e = protocol::lark::parse_event(body);
    if (!e) return e.error();
    return sync::judge(known_, *e, given, now, ctx_->opt().conversations);
  }
  auto b = sync::parse_between(d.form, body);
  if (!b) return b.error();
  return sync::judge(known_, *b, given, now, ctx_->opt().conversations);
}

void thread_state::decide() {
  static const sync::facts nothing;
  auto v = verdict(inquiry_ ? inquiry_->given : nothing);
  if (!v) {
    inquiry_.reset();
    return bury(describe(v.error()));
  }
  if (auto* plan = std::get_if<sync::thread_plan>(&*v)) {
    inquiry_.reset();
    return commit_plan(std::move(*plan));
  }
  inquire(std::move(std::get<std::vector<sync::need>>(*v)));
}

void thread_state::inquire(std::vector<sync::need> needs) {
  if (!inquiry_) {
    const std::string first = needs.empty() ? "nothing" : needs.front().key;
    if (!begin_reading("facts", "asks for " + std::to_string(needs.size()) + " facts: " + first))
      return;
    inquiry_ = std::make_unique<inquiry>();
    inquiry_->number = ++last_inquiry_;
    self_->delayed_send(self_, ctx_->opt().facts_wait, fact_told{inquiry_->number, nullptr});
  }
  phase_ = phase::reading;
  auto& q = *inquiry_;
  std::sort(needs.begin(), needs.end());
  needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
  if (needs.empty() || ++q.rounds > rounds_limit)
    throw std::logic_error("the decision asks for facts without end");
  if (q.late || !peers_.facts) {
    for (auto& n : needs) q.given.given_up.push_back(std::move(n));
    phase_ = phase::idle;
    return decide();
  }
  q.open = needs;
  auto self = entity_actor{self_};
  for (const auto& n : needs)
    peers_.facts->ask(n, hurry(), [self, number = q.number](fact_answer a) {
      caf::anon_send(self, fact_told{number, std::make_shared<const fact_answer>(std::move(a))});
    });
}

void thread_state::on_fact(const fact_told& m) {
  if (!inquiry_ || m.token != inquiry_->number) return;
  auto& q = *inquiry_;
  if (!m.answer) {
    const auto lacks = std::find_if(q.open.begin(), q.open.end(), [&](const sync::need& n) {
      return is_waited_for(n, *current_);
    });
    if (lacks != q.open.end()) return give_back(facts_pause, "facts: not to be had: " + lacks->key);
    q.late = true;
    for (auto& n : q.open) q.given.given_up.push_back(std::move(n));
    q.open.clear();
  } else {
    const auto asked = std::find(q.open.begin(), q.open.end(), m.answer->what);
    if (asked == q.open.end()) return;
    if (m.answer->failed) {
      if (is_waited_for(*asked, *current_) && may_pass(*m.answer->failed))
        return give_back(m.answer->failed->retry_after.value_or(facts_pause),
                         "facts: " + describe(*m.answer->failed));
      log::warn("a fact is not to be had", {log::kv("entity", key_), log::kv("fact", asked->key),
                                            log::kv("failure", *m.answer->failed)});
      q.given.given_up.push_back(*asked);
    } else {
      auto found = m.answer->found;
      take_in(q.given, std::move(found));
    }
    q.open.erase(asked);
  }
  if (!q.open.empty()) return;
  phase_ = phase::idle;
  decide();
}

void thread_state::commit_plan(sync::thread_plan plan) {
  const auto rule = plan.rule;
  const bool with_effect = !plan.effects.empty();
  carry(std::move(plan), of_current(), unit_);
  announce_plan(rule, with_effect);
  conclude(rule);
}

void thread_state::carry(sync::thread_plan plan, const origin& from, persistence::write& unit) {
  known_ = std::move(plan.now);
  for (const auto& w : plan.effects) want(w, from, unit);
  std::erase_if(effects_, [](const effect& e) { return e.status == effect_status::cancelled; });
  hand_over(plan.hand_overs, from, unit);
  for (const auto& p : plan.leavers) unmap(p, unit);
  for (auto& r : plan.receipts)
    unit.receipts.push_back({std::move(r.integration), std::move(r.object), key_,
                             std::move(r.remote_id), ctx_->clock.now()});
}

/// Their row stays, so that no e-mail address maps them again; what is sealed goes at once.
void thread_state::unmap(const protocol::lark::person_left& p, persistence::write& unit) {
  const auto now = ctx_->clock.now();
  persistence::user_mapping_row row;
  row.open_id = p.who.open_id;
  row.union_id = p.who.union_id;
  row.name = p.name;
  row.how = persistence::mapped_by::automatic;
  row.left = true;
  row.changed_at = now;
  unit.credentials.push_back({row.tenant, http::personal_key_credential(row.open_id), "", "", now});
  unit.user_mappings.push_back(std::move(row));
  left_.push_back(p.who.open_id);
  log::info("left the tenant and is unmapped", {log::kv("entity", key_)});
}

/// Not before: what somebody asks for meanwhile is read as it was.
void thread_state::committed() {
  if (left_.empty()) return;
  if (peers_.calls && peers_.calls->people)
    for (const auto& who : left_) peers_.calls->people->forget(who);
  if (peers_.facts) {
    for (const auto& who : left_) peers_.facts->forget({sync::need::kind::person, who});
    peers_.facts->forget({sync::need::kind::project, ""});
  }
  left_.clear();
}

/// What a wanted effect merges with or takes the place of: the newest, since the older one may have
/// been under way when it was planned. What may have been sent stays as it is.
effect* thread_state::waiting_like(const sync::wanted_message& w) {
  if (w.how == sync::wanted_message::kind::append) return nullptr;
  effect* newest = nullptr;
  for (auto& e : effects_)
    if (e.integration == w.lane && e.object == w.object && e.kind == class_of(w.how) &&
        (e.status == effect_status::waiting || e.status == effect_status::withheld) &&
        !chat_->possibly_sent(e) && (newest == nullptr || e.id > newest->id))
      newest = &e;
  return newest;
}

void thread_state::want(const sync::wanted_message& w, const origin& from,
                        persistence::write& unit) {
  const auto now = ctx_->clock.now();
  effect* e = waiting_like(w);
  if (e == nullptr) {
    e = &add_effect(w.lane == "plane" ? plane_lane::name : chat_lane::name, class_of(w.how),
                    w.object, now, w.due_at, from);
    e->idempotency_key = "pb-" + std::to_string(e->id);
    e->payload = w.payload;
  } else if (w.how == sync::wanted_message::kind::digest) {
    // A replacement keeps the position, the age and the due time of what it replaces.
    e->payload = sync::merge_digest(e->payload, w.payload);
  } else {
    e->payload = w.payload;
    e->due_at = std::min(e->due_at, w.due_at);  // what somebody waits for takes it along
  }
  note_hurry(*e);
  ++e->revision;
  e->operation = w.operation;
  e->rule = w.rule;
  e->status = ctx_->opt().conversations.shadow ? effect_status::withheld : effect_status::waiting;
  if (e->payload.empty()) {  // what is left to tell is nothing
    e->status = effect_status::cancelled;
    e->finished_at = now;
  }
  unit.effects.push_back(*e);
}

void thread_state::settled(const effect& e, const sync::message_outcome& how,
                           persistence::write& unit) {
  sync::wanted_message done;
  done.how = e.kind == persistence::effect_class::digest  ? sync::wanted_message::kind::digest
             : e.kind == persistence::effect_class::state ? sync::wanted_message::kind::state
                                                          : sync::wanted_message::kind::append;
  done.lane = e.integration;
  done.operation = e.operation;
  done.object = e.object;
  done.payload = e.payload;
  done.due_at = e.due_at;
  done.rule = e.rule;
  carry(sync::settle(known_, done, how, ctx_->clock.now(), ctx_->opt().conversations),
        of_outcome(e), unit);
  keep_row(unit);
}

/// What became of a new item enters like everything else that is heard.
void thread_state::written(const effect& e, const sync::plane_write& what,
                           const sync::plane_outcome& how, persistence::write& unit) {
  const auto* wanted = std::get_if<sync::thread_wants_item>(&what);
  if (wanted == nullptr) return;
  const auto& o = ctx_->opt();
  sync::chat_setting setting;
  setting.app_url = o.rendering.app_url;
  setting.workspace_slug = o.rendering.workspace_slug;
  setting.project = ctx_->projects.find(wanted->project);
  hand_over({{key_, sync::settle_creation(*wanted, how, setting)}}, of_outcome(e), unit);
}

namespace {

entity_actor::behavior_type thread(entity_actor::stateful_pointer<thread_state> self,
                                   context_ptr ctx, entity_key key, std::uint64_t incarnation,
                                   dispatcher_actor dispatcher, thread_peers peers) {
  install_exception_edge(self, "thread");
  return self->state.start(std::move(ctx), std::move(key), incarnation, std::move(dispatcher),
                           std::move(peers));
}

}  // namespace

entity_actor spawn_thread(caf::actor_system& system, context_ptr ctx, const entity_key& key,
                          std::uint64_t incarnation, dispatcher_actor dispatcher,
                          thread_peers peers) {
  return system.spawn(thread, std::move(ctx), key, incarnation, std::move(dispatcher),
                      std::move(peers));
}

}  // namespace pb::actors

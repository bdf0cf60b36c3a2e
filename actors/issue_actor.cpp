#include "actors/issue_actor.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "actors/edge.hpp"
#include "actors/issue_state.hpp"
#include "base/log.hpp"
#include "sync/sentinel.hpp"

namespace pb::actors {
namespace json = boost::json;
using persistence::delivery;
using persistence::effect;
using persistence::effect_status;
using std::chrono::milliseconds;
namespace {
constexpr milliseconds read_pause{15'000};  ///< before a delivery whose read failed is taken again
}  // namespace

entity_actor::behavior_type issue_state::start(context_ptr ctx, entity_key key,
                                               std::uint64_t incarnation,
                                               dispatcher_actor dispatcher, issue_peers peers) {
  peers_ = std::move(peers);
  auto lane = std::make_unique<calendar_lane>(*this, known_, peers_,
                                              protocol::caldav::uid_of(std::string{key.id()}));
  calendar_ = lane.get();
  add_lane(std::move(lane));
  return begin(name, std::move(ctx), std::move(key), incarnation, std::move(dispatcher));
}

void issue_state::recall(const persistence::entity_state& state) {
  auto known = sync::parse_item_knowledge(row_.known);
  if (!known) {
    log::error("stored knowledge unreadable, starting anew",
               {log::kv("entity", key_), log::kv("failure", known.error())});
    known = sync::item_knowledge{};
  }
  known_ = std::move(*known);
  for (const auto& l : state.links) calendar_->take_link(l);
  recall_conversations(state);
}

std::string issue_state::write_row() {
  row_.parent = known_.project;
  row_.tombstone = known_.where == sync::presence::gone || known_.where == sync::presence::archived;
  row_.source_time = known_.updated_at;
  return sync::to_json(known_);
}

void issue_state::tell_about(json::object& into) const {
  into["name"] = known_.name;
  into["n"] = known_.sequence_id;
}

bool issue_state::waits_for_outcome(const delivery& d) {
  const bool looks = d.form == forms::calendar_observed && calendar_->busy();
  const bool told = d.source == "plane" && writes_ != nullptr && writes_->busy();
  if (!looks && !told) return false;
  return wait_at_most(d, ctx_->opt().outcome_wait);
}

void issue_state::judge_current() {
  const delivery& d = *current_;
  just_read_ = false;
  project_hint_.clear();
  chat_.reset();
  comment_.reset();
  channels_.reset();
  asks_channels_for_.reset();
  if (d.form == forms::calendar_observed) return judge_calendar();
  if (is_request(d)) return judge_request();
  if (d.form == forms::item_written) return plan(known_, "applied: written by a conversation");
  if (auto named = project_named_in(d); !named.empty()) project_hint_ = std::move(named);
  auto what = hear(d);
  if (!what) return bury(describe(what.error()));
  if (const auto* w = std::get_if<sync::heard_webhook>(&*what)) {
    if (!w->event.project_id.empty()) project_hint_ = w->event.project_id;
    known_.last_event_at = std::max(known_.last_event_at, w->received_at);
  }
  judge(*what);
}

void issue_state::judge(const sync::heard& what) {
  auto verdict = sync::judge(known_, what);
  auto* news = std::get_if<sync::settled>(&verdict);
  const auto* w = std::get_if<sync::heard_webhook>(&what);
  if (w != nullptr && !channels_) tell_sentinel(*w, news);  // once
  if (const auto* needs = std::get_if<sync::needs_read>(&verdict)) return read_item(needs->why);
  auto& settled = *news;
  const bool told = !ctx_->opt().lark_on || tell_conversations(known_, settled.now, what);
  settled.now.found_quietly = false;
  if (!told) {
    if (comment_) known_ = std::move(settled.now);
    return;
  }
  plan(std::move(settled.now), settled.rule);
}

void issue_state::tell_sentinel(const sync::heard_webhook& w, const sync::settled* news) {
  const auto& e = w.event;
  if (e.about != protocol::plane::subject::work_item) return;
  sync::item_change c;
  c.item = std::string{key_.id()};
  c.author = e.item ? sync::author_of(*e.item) : e.actor_id;
  if (news != nullptr && news->changed) c.kinds = sync::changes_between(known_, news->now);
  if (const auto made = parse_rfc3339(e.item ? e.item->updated_at : e.updated_at))
    c.made_at = *made;
  ctx_->gaps.told(c, w.received_at);
}

void issue_state::plan(sync::item_knowledge now_known, std::string rule) {
  known_ = std::move(now_known);
  auto plan = ctx_->opt().calendar_on
                  ? sync::plan_calendar(known_, calendar_->link(), calendar_->queued(),
                                        ctx_->clock.now(), ctx_->opt().calendar)
                  : sync::calendar_plan{};
  if (!ctx_->opt().calendar_on) plan.link = calendar_->link();
  commit_plan(plan, plan.effect || !plan.cancel.empty() ? rule + "; " + plan.rule : rule);
}

void issue_state::commit_plan(const sync::calendar_plan& plan, const std::string& reason) {
  const auto now = ctx_->clock.now();
  cancel_effects(plan.cancel, plan.rule, unit_);
  if (plan.effect) unit_.effects.push_back(upsert_effect(plan, now));
  if (plan.link_changed) {
    auto link = plan.link;
    // Also an event that was never written is looked for where it belongs.
    if (link.base.href.empty()) link.base.project = known_.project;
    calendar_->set_link(std::move(link));
    unit_.links.push_back(calendar_->link_row());
  }
  const auto rule = carry_chat(reason);
  std::erase_if(effects_, [](const effect& e) { return e.status == effect_status::cancelled; });
  announce_plan(rule, plan.effect.has_value());
  conclude(rule);
}

const effect& issue_state::upsert_effect(const sync::calendar_plan& plan, timestamp now) {
  const auto& w = *plan.effect;
  effect* e = plan.replace ? find_effect(*plan.replace) : nullptr;
  if (e == nullptr) {
    e = &add_effect(calendar_lane::name, persistence::effect_class::state, calendar_->uid(), now,
                    w.due_at, of_current());
    e->idempotency_key = calendar_->uid();
  }
  note_hurry(*e);
  // A replacement keeps the position, the age and the due time of what it replaces.
  calendar_lane::revise(*e, w);
  return *e;
}

urgency issue_state::hurry() const {
  const auto& form = current_->form;
  const bool told = form == forms::plane_webhook || is_request(*current_) ||
                    (form == forms::plane_touch && current_->event != "issue.touched");
  return told ? urgency::person : urgency::repair;
}

void issue_state::read_item(const std::string& why, bool elsewhere) {
  const std::string project = elsewhere || known_.project.empty() ? project_hint_ : known_.project;
  if (!ctx_->opt().plane_on || project.empty()) {
    if (is_request(*current_)) return decide_unread();
    return plan(known_, "parked: cannot be read, " + std::string{project.empty()
                                                                     ? "its project is not known"
                                                                     : "Plane is not configured"});
  }
  if (!begin_reading("plane", "reads the item: " + why)) return;
  read_in_ = project;
  ask(peers_.plane, peers_.calls->read_item(project, std::string{key_.id()}), hurry(),
      token_for(call_read));
}

void issue_state::on_answer(const exchange_performed& m) {
  if (!m.outcome) return;
  if (comment_)
    on_comment(*m.outcome);
  else
    on_read(*m.outcome);
}

void issue_state::on_read(const performed& p) {
  phase_ = phase::idle;
  if (p.failed) return read_failed(*p.failed);
  // Something was journaled since the request was sent: what was read may be older than it.
  if (!queue_.empty() && ++rereads_ <= 3) {
    first_answer_.reset();
    return read_item("an event came while it was read");
  }
  auto what = remotes::heard_from(*p.what, p.started_at);
  if (!std::holds_alternative<sync::heard_item>(what)) {
    if (!first_answer_ && !project_hint_.empty() && project_hint_ != read_in_) {
      first_answer_ = std::make_unique<sync::heard>(std::move(what));
      return read_item("not in its former project", true);
    }
    if (first_answer_) what = std::move(*first_answer_);
  }
  first_answer_.reset();
  rereads_ = 0;
  just_read_ = true;
  if (current_->form == forms::calendar_observed || is_request(*current_)) {
    auto verdict = sync::judge(known_, what);
    if (auto* s = std::get_if<sync::settled>(&verdict)) {
      s->now.found_quietly = known_.where == sync::presence::unknown || known_.found_quietly;
      if (ctx_->opt().lark_on) (void)tell_conversations(known_, s->now, what);
      known_ = std::move(s->now);
    }
    if (current_->form != forms::calendar_observed) return judge_request();
    return judge_calendar();
  }
  judge(what);
}

void issue_state::read_failed(const failure& f) {
  const auto why = "plane: " + describe(f);
  switch (f.code) {
    case errc::bad_input:
    case errc::unexpected_answer:
    case errc::too_large:
    case errc::forbidden:
    case errc::not_found:
      break;
    default:
      return give_back(f.retry_after.value_or(read_pause), why);
  }
  if (current_->attempts + 1 >= ctx_->opt().retry.max_attempts)
    return is_request(*current_) ? decide_unread() : bury(why);
  count_attempt(*current_, why);
  const auto doublings = std::min<std::int32_t>(current_->attempts, 5);
  give_back(f.retry_after.value_or(read_pause * (1 << doublings)), why);
}

void issue_state::judge_calendar() {
  auto seen = parse_observed(*current_->body);
  if (!seen) return bury(describe(seen.error()));
  calendar_->seen(*seen);
  if (known_.project.empty()) project_hint_ = seen->project;
  if (sync::wants_event(known_, ctx_->opt().calendar)) {
    seen->rendered_hash = protocol::caldav::content_hash(calendar_->render());
    seen->names = calendar_->names();
  }
  auto v = sync::judge_observation(*seen, known_, calendar_->link(), calendar_->queued(),
                                   just_read_, ctx_->clock.now(), ctx_->opt().calendar);
  if (v.needs_read) return read_item(v.needs_read->why);
  commit_plan(v.plan, v.plan.rule);
}

namespace {

entity_actor::behavior_type issue(entity_actor::stateful_pointer<issue_state> self, context_ptr ctx,
                                  entity_key key, std::uint64_t incarnation,
                                  dispatcher_actor dispatcher, issue_peers peers) {
  install_exception_edge(self, "issue");
  return self->state.start(std::move(ctx), std::move(key), incarnation, std::move(dispatcher),
                           std::move(peers));
}

}  // namespace

entity_actor spawn_issue(caf::actor_system& system, context_ptr ctx, const entity_key& key,
                         std::uint64_t incarnation, dispatcher_actor dispatcher,
                         issue_peers peers) {
  return system.spawn(issue, std::move(ctx), key, incarnation, std::move(dispatcher),
                      std::move(peers));
}

}  // namespace pb::actors

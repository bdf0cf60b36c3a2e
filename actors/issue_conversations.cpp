// What a work item's actor does for the conversations that follow it: it tells them what changed,
// and carries out what they ask for. Judgement is in sync/issue_chat.
#include <algorithm>

#include "actors/front.hpp"
#include "actors/issue_state.hpp"
#include "base/log.hpp"
#include "sync/channel_options.hpp"

namespace pb::actors {
using persistence::effect;
using persistence::effect_status;
namespace {
constexpr const char* chat_links = "lark";
}  // namespace

void issue_state::recall_conversations(const persistence::entity_state& state) {
  bindings_.clear();
  for (const auto& l : state.links)
    if (l.integration == chat_links)
      bindings_.push_back(sync::parse_binding(l.object, l.remote_id, l.state, l.base));
  if (std::any_of(effects_.begin(), effects_.end(),
                  [](const effect& e) { return e.integration == plane_lane::name; }))
    (void)writes();
}

plane_lane& issue_state::writes() {
  if (writes_ == nullptr) {
    owner& writer = *this;
    auto lane = std::make_unique<plane_lane>(*this, writer, peers_.plane, peers_.calls, true,
                                             &peers_.files);
    writes_ = lane.get();
    add_lane(std::move(lane));
  }
  return *writes_;
}

std::vector<sync::queued_write> issue_state::queued_writes() const {
  return writes_ != nullptr ? writes_->queued() : std::vector<sync::queued_write>{};
}

sync::chat_setting issue_state::chat_setting() const {
  const auto& o = ctx_->opt();
  sync::chat_setting s;
  s.app_url = o.rendering.app_url;
  s.workspace_slug = o.rendering.workspace_slug;
  s.project = ctx_->projects.find(known_.project);
  return s;
}

bool issue_state::tell_conversations(const sync::item_knowledge& before,
                                     const sync::item_knowledge& after, const sync::heard& what) {
  const auto* webhook = std::get_if<sync::heard_webhook>(&what);
  // Nobody is told what was read for somebody's request.
  const bool quiet = is_request(*current_) || current_->form == forms::calendar_observed;
  const sync::item_news news{before, after, webhook != nullptr ? &webhook->event : nullptr, quiet};
  const auto now = ctx_->clock.now();
  const auto setting = chat_setting();
  if (!channels_ && !quiet && !after.project.empty() && sync::is_new_item(news, now, setting))
    return want_channels(what, after.project);
  if (!channels_ && bindings_.empty()) return true;
  static const std::vector<sync::channel_mapping> none;
  auto plan = sync::plan_changes(news, bindings_, channels_ ? *channels_ : none, queued_writes(),
                                 now, setting);
  if (!chat_) chat_ = std::make_unique<sync::chat_plan>();
  sync::append(*chat_, std::move(plan));
  if (webhook == nullptr || bindings_.empty()) return true;
  const auto c = sync::comment_in(webhook->event);
  return !c || tell_comment(*c);
}

bool issue_state::want_channels(const sync::heard& what, const std::string& project) {
  if (!begin_reading("store", "asks which chats hear of its project")) return false;
  asks_channels_for_ = std::make_unique<sync::heard>(what);
  auto self = entity_actor{self_};
  ctx_->store.read([self, seq = current_->seq, project](result<persistence::reader*> r) {
    auto a = std::make_shared<fact_answer>();
    a->what = {sync::need::kind::channels, project};
    auto& found = a->found.channels[project];
    const auto rows = r ? (*r)->channel_mappings_of_project(project)
                        : result<std::vector<persistence::channel_mapping_row>>{r.error()};
    if (!rows) {
      a->failed = rows.error();
    } else {
      for (const auto& row : *rows)
        if (auto m = sync::read_channel_mapping(row.chat, row.project, row.options))
          found.push_back(std::move(*m));
    }
    caf::anon_send(self, fact_told{static_cast<std::uint64_t>(seq), std::move(a)});
  });
  return false;
}

void issue_state::on_fact(const fact_told& m) {
  if (!asks_channels_for_ || !m.answer || !current_ ||
      m.token != static_cast<std::uint64_t>(current_->seq))
    return;
  if (m.answer->failed) return give_back(storage_pause, "store: " + describe(*m.answer->failed));
  channels_ = std::make_unique<std::vector<sync::channel_mapping>>();
  for (const auto& [project, mappings] : m.answer->found.channels) *channels_ = mappings;
  const auto what = std::move(asks_channels_for_);
  phase_ = phase::idle;
  judge(*what);
}

bool issue_state::tell_comment(const sync::comment_heard& c) {
  auto verdict = sync::plan_comment(c, known_, bindings_, chat_setting());
  if (auto* told = std::get_if<sync::chat_plan>(&verdict)) {
    if (!chat_) chat_ = std::make_unique<sync::chat_plan>();
    sync::append(*chat_, std::move(*told));
    return true;
  }
  const auto project = known_.project.empty() ? project_hint_ : known_.project;
  if (!ctx_->opt().plane_on || project.empty()) return true;
  if (!begin_reading("plane", "reads a comment")) return false;
  comment_ = std::make_unique<sync::comment_heard>(c);
  ask(peers_.plane, peers_.calls->read_comment(project, std::string{key_.id()}, c.id), hurry(),
      token_for(call_read));
  return false;
}

void issue_state::on_comment(const performed& p) {
  phase_ = phase::idle;
  const auto c = std::move(comment_);
  if (p.failed && p.failed->code != errc::not_found) return read_failed(*p.failed);
  if (!p.failed) c->content = remotes::comment_from(*p.what);
  if (!c->content) c->what = protocol::plane::action::deleted;
  if (tell_comment(*c)) plan(known_, "applied: the comment was read");
}

bool issue_state::is_request(const delivery& d) { return d.form.starts_with("thread."); }

/// What was asked for may still come true, and if not, its author hears why from Plane's answer.
void issue_state::decide_unread() {
  just_read_ = true;
  judge_request();
}

void issue_state::judge_request() {
  const auto& d = *current_;
  const auto asked =
      sync::parse_between(d.form, d.body ? std::string_view{*d.body} : std::string_view{});
  if (!asked) return bury(describe(asked.error()));
  project_hint_ = sync::project_named_in(*asked);
  auto verdict = sync::plan_thread_request(*asked, known_, bindings_, queued_writes(), just_read_,
                                           ctx_->clock.now(), chat_setting());
  if (const auto* needs = std::get_if<sync::needs_read>(&verdict)) return read_item(needs->why);
  if (!chat_) chat_ = std::make_unique<sync::chat_plan>();
  sync::append(*chat_, std::move(std::get<sync::chat_plan>(verdict)));
  plan(known_, "applied: asked by a conversation");
}

std::string issue_state::carry_chat(const std::string& rule) {
  if (!chat_) return rule;
  const auto plan = std::move(chat_);
  auto told = plan->rule;
  carry(std::move(*plan), of_current(), unit_);
  if (told.empty()) return rule;
  return rule.starts_with("ignored") || told.starts_with("ignored") ? told : rule + "; " + told;
}

void issue_state::carry(sync::chat_plan plan, const origin& from, persistence::write& unit) {
  const auto now = ctx_->clock.now();
  cancel_effects(plan.cancel, plan.rule, unit);
  for (const auto& w : plan.writes) {
    (void)writes();
    effect* e = w.replace ? find_effect(*w.replace) : nullptr;
    if (e == nullptr) {
      const auto kind = w.how == sync::wanted_plane_write::kind::append
                            ? persistence::effect_class::append
                            : persistence::effect_class::state;
      e = &add_effect(plane_lane::name, kind, w.object, now, w.due_at, from);
      e->idempotency_key = w.idempotency_key;
    }
    if (current_) note_hurry(*e);
    ++e->revision;
    e->operation = w.operation;
    e->payload = w.payload;
    e->rule = w.rule;
    e->status = ctx_->opt().conversations.shadow ? effect_status::withheld : effect_status::waiting;
    unit.effects.push_back(*e);
  }
  for (const auto& b : plan.bindings) {
    const auto same = std::find_if(bindings_.begin(), bindings_.end(),
                                   [&](const auto& x) { return x.thread == b.thread; });
    if (same != bindings_.end())
      *same = b;
    else
      bindings_.push_back(b);
    persistence::link_row l;
    l.entity = key_;
    l.integration = chat_links;
    l.object = b.thread;
    l.remote_id = b.chat;
    l.state = std::string{sync::binding_state(b)};
    l.base = sync::binding_base(b);
    l.changed_at = now;
    unit.links.push_back(std::move(l));
  }
  hand_over(plan.hand_overs, from, unit);
}

void issue_state::written(const effect& e, const sync::plane_write& what,
                          const sync::plane_outcome& how, persistence::write& unit) {
  auto s = sync::settle_plane_write(what, how, known_, bindings_, chat_setting());
  const bool changed = !sync::same_values(known_, s.now);
  known_ = std::move(s.now);
  carry(std::move(s.plan), of_outcome(e), unit);
  std::erase_if(effects_, [](const effect& x) { return x.status == effect_status::cancelled; });
  // The calendar follows by the same way as everything else: planned in its turn.
  if (changed)
    unit.appends.push_back(own_delivery(*ctx_, "internal", std::string{forms::item_written},
                                        "issue.written", key_, "{}",
                                        of_outcome(e).identity() + ":own"));
  keep_row(unit);
}

}  // namespace pb::actors

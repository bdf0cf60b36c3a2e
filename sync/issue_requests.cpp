// The way from the conversations to Plane: what they ask for, and what became of it.
#include <algorithm>

#include "sync/issue_chat.hpp"
#include "sync/issue_fields.hpp"

namespace pb::sync {
namespace plane = protocol::plane;
namespace {

std::string why_tombstone(const item_knowledge& k) {
  return k.where == presence::archived
             ? "the work item is archived in Plane: restore it there first"
             : "the work item was deleted in Plane";
}
chat_plan only(std::string rule) {
  chat_plan p;
  p.rule = std::move(rule);
  return p;
}

struct situation {
  const item_knowledge& known;
  std::span<const binding> bindings;
  std::span<const queued_write> queued;
  timestamp now;
  const chat_setting& setting;
};

const queued_write* waiting(const situation& at, std::string_view operation,
                            std::string_view object) {
  for (const auto& q : at.queued)
    if (q.operation == operation && q.object == object) return &q;
  return nullptr;
}

/// Behind the comment, one for each: what goes wrong with one keeps no other back.
void plan_files(chat_plan& plan, const thread_commented& asked, const asker& by,
                const situation& at) {
  std::size_t left = file_copy::most_of_a_message;
  for (const auto& file : asked.files) {
    if (left-- == 0) {
      answer(plan, by,
             "only the first " + std::to_string(file_copy::most_of_a_message) +
                 " files of a message become attachments",
             view_of(at.known, at.setting));
      return;
    }
    wanted_plane_write w;
    w.operation = file_copy::operation;
    w.object = w.idempotency_key = marker_of_file(asked.message, file.key);
    w.payload = to_json(plane_write{file_copy{file, by}});
    w.due_at = at.now;
    w.rule = "plane: a file of a conversation";
    plan.writes.push_back(std::move(w));
  }
}

/// The message's files that were not begun: it is not there to be fetched from any more.
void cancel_files(chat_plan& plan, const std::string& message, const situation& at) {
  for (const auto& q : at.queued) {
    if (q.operation != file_copy::operation || q.attempted) continue;
    const auto w = parse_plane_write(q.operation, q.payload);
    if (w && std::get<file_copy>(*w).by.message == message) plan.cancel.push_back(q.id);
  }
}

chat_plan plan_one(const thread_commented& asked, const situation& at) {
  chat_plan plan;
  const asker by{asked.thread, asked.message, asked.author};
  if (is_tombstone(at.known)) {
    answer(plan, by, "not written: " + why_tombstone(at.known), view_of(at.known, at.setting));
    plan.rule = "refused: the work item is gone";
    return plan;
  }
  const auto marker = marker_of(asked.message);
  if (waiting(at, comment_creation::operation, marker) != nullptr)
    return only("absorbed: this message is on its way to Plane");
  wanted_plane_write w;
  w.operation = comment_creation::operation;
  w.object = w.idempotency_key = marker;
  w.payload = to_json(plane_write{comment_creation{asked.html, asked.chat, by}});
  w.due_at = at.now;
  w.rule = "plane: a comment of a conversation";
  plan.rule = w.rule;
  plan.writes.push_back(std::move(w));
  plan_files(plan, asked, by, at);
  return plan;
}

chat_plan plan_one(const thread_recalled& asked, const situation& at) {
  const auto marker = marker_of(asked.message);
  chat_plan plan;
  cancel_files(plan, asked.message, at);
  const auto* creation = waiting(at, comment_creation::operation, marker);
  if (creation != nullptr && !creation->attempted) {
    plan.cancel.push_back(creation->id);
    plan.rule = "plane: recalled before it was written";
    return plan;
  }
  if (creation == nullptr && is_tombstone(at.known)) {
    plan.rule = "ignored: recalled, and the work item is gone";
    return plan;
  }
  const auto object = "strike:" + marker;
  if (waiting(at, comment_strike::operation, object) != nullptr)
    return only("absorbed: it is being struck out");
  wanted_plane_write w;
  w.operation = comment_strike::operation;
  w.object = w.idempotency_key = object;
  w.payload =
      to_json(plane_write{comment_strike{asked.comment, {asked.thread, asked.message, {}}}});
  w.due_at = at.now;
  w.rule = "plane: the message was recalled";
  plan.rule = w.rule;
  plan.writes.push_back(std::move(w));
  return plan;
}

template <class T>
std::vector<T> those_with(const std::vector<std::string>& ids, const std::vector<T>& named) {
  std::vector<T> out;
  for (const auto& n : named)
    if (!n.id.empty() && std::find(ids.begin(), ids.end(), n.id) != ids.end()) out.push_back(n);
  return out;
}

std::vector<field_edit> edits_of(const thread_edited& asked, timestamp now) {
  std::vector<field_edit> out;
  const asker by{asked.thread, asked.message, asked.author};
  const auto add = [&](std::string field, std::string value, plane::item_names names = {}) {
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const auto& e) { return e.field == field; });
    if (same != out.end())
      same->value = std::move(value);
    else
      out.push_back({std::move(field), std::move(value), "", now, {by}, std::move(names)});
  };
  const auto& named = asked.names;
  if (asked.state) add("state", *asked.state, {those_with({*asked.state}, named.states), {}, {}});
  if (asked.prio) add("priority", std::string{plane::to_string(*asked.prio)});
  if (asked.name) add("name", *asked.name);
  if (asked.start_date) add("start_date", *asked.start_date);
  if (asked.target_date) add("target_date", *asked.target_date);
  if (asked.assignees) {
    auto ids = *asked.assignees;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::string joined;
    for (const auto& id : ids) joined += (joined.empty() ? "" : ",") + id;
    add("assignees", std::move(joined), {{}, {}, those_with(ids, named.people)});
  }
  for (const auto& l : asked.labels_removed) add("label:" + l, "off");
  for (const auto& l : asked.labels_added)
    add("label:" + l, "on", {{}, those_with({l}, named.labels), {}});
  return out;
}

/// What the field is going to be once the lane is empty: the last planned value.
std::string planned_value(const std::vector<pending_update>& pending, const item_knowledge& known,
                          const std::string& field) {
  for (auto p = pending.rbegin(); p != pending.rend(); ++p)
    for (const auto& e : p->update.fields)
      if (e.field == field) return e.value;
  return value_of(known, field);
}

bool waits_for(const item_update& update, const asker& who) {
  for (const auto& e : update.fields)
    for (const auto& a : e.by)
      if (a.thread == who.thread && a.message == who.message) return true;
  return false;
}

/// One edit into an update that waits and was never sent.
void merge_edit(chat_plan& plan, item_update& into, field_edit edit, const situation& at) {
  const auto same = std::find_if(into.fields.begin(), into.fields.end(),
                                 [&](const auto& e) { return e.field == edit.field; });
  if (same == into.fields.end()) {
    into.fields.push_back(std::move(edit));
    return;
  }
  if (same->value == edit.value) {
    const bool known_asker = std::any_of(same->by.begin(), same->by.end(), [&](const asker& a) {
      return a.thread == edit.by.front().thread && a.message == edit.by.front().message;
    });
    // Beyond the limit they are answered at once: the value they want is on its way.
    if (!known_asker && same->by.size() < field_edit::max_askers)
      same->by.push_back(std::move(edit.by.front()));
    return;
  }
  for (const auto& who : same->by)
    if (who.message != edit.by.front().message)
      answer(plan, who,
             "not changed: somebody asked for another value of " + field_name(edit.field) +
                 " a moment later",
             view_of(at.known, at.setting));
  if (edit.value == same->base) {  // back to where it was: nothing is to be written
    into.fields.erase(same);
    return;
  }
  edit.base = same->base;
  *same = std::move(edit);
}

chat_plan plan_one(const thread_edited& asked, const situation& at) {
  chat_plan plan;
  const asker by{asked.thread, asked.message, asked.author};
  auto edits = edits_of(asked, at.now);
  if (edits.empty()) return only("ignored: nothing is to be changed");
  if (is_tombstone(at.known)) {
    answer(plan, by, "not changed: " + why_tombstone(at.known), view_of(at.known, at.setting));
    plan.rule = "refused: the work item is gone";
    return plan;
  }
  auto pending = updates_in(at.queued);
  for (auto& e : edits) e.base = planned_value(pending, at.known, e.field);
  const auto key = asked.author.own_key ? asked.author.open_id : std::string{};
  // Into the newest only: an older one would be overtaken by it.
  auto* newest = pending.empty() ? nullptr : &pending.back();
  if (newest != nullptr && !newest->attempted && own_key_of(plane_write{newest->update}) == key) {
    for (auto& e : edits) merge_edit(plan, newest->update, std::move(e), at);
    // Who has nothing that waits gets no outcome.
    if (!waits_for(newest->update, by)) answer(plan, by, "", view_of(at.known, at.setting));
    if (newest->update.fields.empty()) {
      plan.cancel.push_back(newest->id);
      plan.rule = "plane: reverted before it was sent";
      return plan;
    }
    plan.writes.push_back(
        replacement(newest->id, newest->update, "plane: fields of a conversation"));
    plan.rule = "plane: joined with what waits";
    return plan;
  }
  const bool busy = newest != nullptr;
  wanted_plane_write w =
      replacement(0, item_update{std::move(edits)}, "plane: fields of a conversation");
  w.replace.reset();
  w.due_at = busy ? at.now + at.setting.window : at.now;
  plan.rule = w.rule;
  plan.writes.push_back(std::move(w));
  return plan;
}

chat_plan plan_one(const thread_bound& asked, const situation& at) {
  chat_plan plan;
  binding b{asked.thread, asked.chat, asked.bound, asked.comments, asked.changes};
  const auto had = std::find_if(at.bindings.begin(), at.bindings.end(),
                                [&](const auto& x) { return x.thread == b.thread; });
  if (had == at.bindings.end() && !b.live)
    return only("ignored: this conversation did not follow the item");
  if (b.live && at.known.where != presence::unknown) {
    item_changed now;
    now.now = view_of(at.known, at.setting);
    plan.hand_overs.push_back({entity_key::lark_thread(b.thread), std::move(now)});
  }
  if (had != at.bindings.end() && *had == b) {
    plan.rule = "chat: followed it already";
    return plan;
  }
  plan.rule = b.live ? "chat: a conversation follows this item" : "chat: a conversation left";
  plan.bindings.push_back(std::move(b));
  return plan;
}

std::string failed_text(const failure& f) {
  std::string text = f.detail.empty() ? describe(f) : f.detail;
  if (!f.remedy.empty()) text += "; " + f.remedy;
  return text;
}

std::string dropped_text(const plane_outcome& o, const item_knowledge& known) {
  std::string who;
  for (const auto& id : o.dropped) {
    if (!who.empty()) who += ", ";
    const auto at = std::find(known.assignee_ids.begin(), known.assignee_ids.end(), id);
    who += at != known.assignee_ids.end() && has_ids(known)
               ? known.assignees[static_cast<std::size_t>(at - known.assignee_ids.begin())]
               : id;
  }
  return "Plane did not take " + who +
         " as assignee: only active members of the project with a role above guest can be assigned";
}

/// A webhook of a later edit came before our own answer: what is known has our write in it.
bool is_older(const plane::work_item& answered, const item_knowledge& known) {
  const auto a = parse_rfc3339(answered.updated_at), k = parse_rfc3339(known.updated_at);
  return a && k && *a < *k;
}

class settling {
public:
  settling(const plane_outcome& outcome, const item_knowledge& known,
           std::span<const binding> bindings, const chat_setting& setting)
      : outcome_(outcome), bindings_(bindings), setting_(setting) {
    out_.now = known;
  }

  settled_write operator()(const comment_creation& w) {
    const auto view = view_of(out_.now, setting_);
    if (outcome_.failed) return refused(w.by, "the comment was not written: ");
    answer(out_.plan, w.by, "", view, outcome_.comment);
    item_commented told;
    told.comment = outcome_.comment;
    told.html = w.html;
    told.author = w.by.author.name;
    told.author_id = w.by.author.plane_user;
    told.internal = true;  // as Plane makes it when nothing else is asked for
    told.from_thread = w.by.thread;
    told.from_message = w.by.message;
    told.now = view;
    tell_others(w.by.thread, told);
    out_.plan.rule = "plane: comment written";
    return std::move(out_);
  }

  settled_write operator()(const comment_strike& w) {
    if (outcome_.failed) return refused(w.by, "the comment was not struck out in Plane: ");
    out_.plan.rule = outcome_.gone ? "plane: nothing to strike out" : "plane: comment struck out";
    if (outcome_.gone || outcome_.comment.empty()) return std::move(out_);
    item_commented told;
    told.how = item_commented::what::deleted;
    told.comment = outcome_.comment;
    told.internal = true;
    told.from_thread = w.by.thread;
    told.from_message = w.by.message;
    told.now = view_of(out_.now, setting_);
    tell_others(w.by.thread, told);
    return std::move(out_);
  }

  settled_write operator()(const item_update& w) {
    if (outcome_.failed) {
      const auto why = "not changed: " + failed_text(*outcome_.failed);
      answer_all(w, why);
      out_.plan.rule = "plane: fields not written";
      return std::move(out_);
    }
    if (outcome_.item && !is_older(*outcome_.item, out_.now)) {
      const auto before = out_.now;
      out_.now = learn(before, *outcome_.item);
      const queued_write self{0, std::string{item_update::operation}, std::string{fields_object},
                              to_json(plane_write{w}), true};
      out_.plan = plan_changes({before, out_.now, nullptr, true}, bindings_, {},
                               std::span{&self, 1}, timestamp{}, setting_);
    }
    answer_all(w, outcome_.dropped.empty() ? "" : dropped_text(outcome_, out_.now));
    out_.plan.rule =
        "plane: fields written" + (out_.plan.rule.empty() ? std::string{} : "; " + out_.plan.rule);
    return std::move(out_);
  }

  settled_write operator()(const file_copy& w) {
    // Nobody waits to hear of a file that they took back themselves.
    if (outcome_.failed && outcome_.failed->where == "lark.download" &&
        outcome_.failed->code == errc::not_found) {
      out_.plan.rule = "plane: no file attached, its message was recalled";
      return std::move(out_);
    }
    if (outcome_.failed)
      return refused(w.by, "the file " + w.what.name + " was not attached in Plane: ");
    remember(out_.now, {outcome_.attachment, w.by.thread, w.by.message});
    out_.plan.rule = "plane: file attached";
    return std::move(out_);
  }

  settled_write operator()(const thread_wants_item&) {
    out_.plan.rule = "ignored: a creation is settled by its conversation";
    return std::move(out_);
  }

private:
  settled_write refused(const asker& by, const std::string& what) {
    answer(out_.plan, by, what + failed_text(*outcome_.failed), view_of(out_.now, setting_));
    out_.plan.rule = "plane: not written";
    return std::move(out_);
  }
  /// Each message once, whatever it asked for; who asked in vain for a person hears of it.
  void answer_all(const item_update& w, const std::string& why) {
    std::vector<std::pair<std::string, std::string>> answered;
    const auto view = view_of(out_.now, setting_);
    const auto answer_once = [&](const field_edit& e, const std::string& text) {
      for (const auto& who : e.by) {
        const std::pair key{who.thread, who.message};
        if (std::find(answered.begin(), answered.end(), key) != answered.end()) continue;
        answered.push_back(key);
        answer(out_.plan, who, text, view);
      }
    };
    const bool dropped = !outcome_.failed && !outcome_.dropped.empty();
    for (const auto& e : w.fields)
      if (!dropped || e.field == "assignees") answer_once(e, why);
    if (dropped)
      for (const auto& e : w.fields) answer_once(e, "");
  }
  void tell_others(const std::string& thread, const item_commented& what) {
    for (const auto& b : bindings_)
      if (b.live && b.comments && b.thread != thread)
        out_.plan.hand_overs.push_back({entity_key::lark_thread(b.thread), what});
  }

  const plane_outcome& outcome_;
  std::span<const binding> bindings_;
  const chat_setting& setting_;
  settled_write out_;
};

}  // namespace

request_verdict plan_thread_request(const between& asked, const item_knowledge& known,
                                    std::span<const binding> bindings,
                                    std::span<const queued_write> queued, bool just_read,
                                    timestamp now, const chat_setting& setting) {
  const bool unsure = known.where == presence::unknown || is_tombstone(known);
  const bool is_request = std::holds_alternative<thread_commented>(asked) ||
                          std::holds_alternative<thread_edited>(asked) ||
                          std::holds_alternative<thread_bound>(asked);
  const auto* bound = std::get_if<thread_bound>(&asked);
  if (is_request && unsure && !just_read && (bound == nullptr || bound->bound))
    return needs_read{known.where == presence::unknown
                          ? "a conversation asks about an item never seen"
                          : "a conversation asks about an item held as gone"};
  const situation at{known, bindings, queued, now, setting};
  if (const auto* c = std::get_if<thread_commented>(&asked)) return plan_one(*c, at);
  if (const auto* r = std::get_if<thread_recalled>(&asked)) return plan_one(*r, at);
  if (const auto* e = std::get_if<thread_edited>(&asked)) return plan_one(*e, at);
  if (bound != nullptr) return plan_one(*bound, at);
  return only("ignored: " + std::string{form_of(asked)} + " is not for a work item");
}

settled_write settle_plane_write(const plane_write& write, const plane_outcome& outcome,
                                 const item_knowledge& known, std::span<const binding> bindings,
                                 const chat_setting& setting) {
  return std::visit(settling{outcome, known, bindings, setting}, write);
}

item_answered settle_creation(const thread_wants_item& write, const plane_outcome& outcome,
                              const chat_setting& setting) {
  item_answered a;
  a.message = write.message;
  a.ok = !outcome.failed && outcome.item;
  if (a.ok)
    a.now = view_of(learn({}, *outcome.item), setting);
  else
    a.text = "the work item was not created: " +
             (outcome.failed ? failed_text(*outcome.failed) : "Plane answered without it");
  return a;
}

}  // namespace pb::sync

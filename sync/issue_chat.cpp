// The way from Plane to the conversations: changes, comments, announcements.
#include "sync/issue_chat.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "protocol/html/utf8.hpp"
#include "protocol/plane/strike_comment.hpp"
#include "protocol/plane/urls.hpp"
#include "sync/issue_fields.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace plane = protocol::plane;
namespace {

constexpr std::size_t excerpt_bytes = 400;
constexpr std::size_t max_channels = 1'000;

/// The edit of a sent write that explains this change; of several labels all must be explained.
const field_edit* explained_by(const std::vector<pending_update>& pending, const known_change& c,
                               const item_knowledge& after) {
  const field_edit* found = nullptr;
  for (const auto& field : c.fields) {
    const auto value = value_of(after, field);
    found = nullptr;
    for (const auto& p : pending)
      for (const auto& e : p.update.fields)
        if (p.attempted && e.field == field && e.value == value && !e.by.empty()) found = &e;
    if (found == nullptr) return nullptr;
  }
  return found;
}

void tell(chat_plan& plan, const binding& to, item_changed what) {
  plan.hand_overs.push_back({entity_key::lark_thread(to.thread), std::move(what)});
}

/// Of the storage's key "<workspace>/<32 digits>-<name>"; a name stays as it is.
std::string file_name_in(std::string_view key) {
  constexpr std::size_t digits = 32;
  auto name = key.substr(key.rfind('/') == std::string_view::npos ? 0 : key.rfind('/') + 1);
  if (name.size() > digits + 1 && name[digits] == '-' &&
      name.find_first_not_of("0123456789abcdef") == digits)
    name.remove_prefix(digits + 1);
  return std::string{name};
}

/// A part of the item that no snapshot shows: links, files, cycles, modules.
std::optional<field_change> part_change(const plane::webhook_event& e) {
  if (!e.side_effect_only || e.about != plane::subject::work_item) return std::nullopt;
  static constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"link", "link"},     {"links", "link"},    {"attachment", "attachment"},
      {"cycle", "cycle"},   {"cycles", "cycle"},  {"attachments", "attachment"},
      {"module", "module"}, {"modules", "module"}};
  for (const auto& [sent, shown] : names)
    if (e.field == sent) {
      if (e.part_before.empty() && e.part_after.empty()) return std::nullopt;
      return shown == "attachment" ? field_change{std::string{shown}, file_name_in(e.part_before),
                                                  file_name_in(e.part_after)}
                                   : field_change{std::string{shown}, e.part_before, e.part_after};
    }
  return std::nullopt;
}

/// An attachment that we made for a message, in whatever order webhook and answer come: by its
/// uuid once that is known, before that by the name of a file that is on its way.
std::optional<item_knowledge::own_file> own_file_in(const plane::webhook_event& e,
                                                    const field_change& part,
                                                    const item_knowledge& known,
                                                    std::span<const queued_write> queued) {
  if (part.field != "attachment" || !part.before.empty()) return std::nullopt;
  for (const auto& f : known.files)
    if (!e.part_id.empty() && f.asset == e.part_id) return f;
  for (const auto& q : queued) {
    if (q.operation != file_copy::operation || !q.attempted) continue;
    const auto w = parse_plane_write(q.operation, q.payload);
    if (!w) continue;
    const auto& copy = std::get<file_copy>(*w);
    // A picture gets the ending of its type when it is sent.
    if (!copy.what.name.empty() && part.after.starts_with(copy.what.name))
      return item_knowledge::own_file{e.part_id, copy.by.thread, copy.by.message};
  }
  return std::nullopt;
}

/// A newer edit in Plane makes the same field of a write that was never sent give way.
void give_way(chat_plan& plan, const item_news& news, std::vector<pending_update>& pending,
              const chat_setting& setting) {
  const auto made = parse_rfc3339(news.after.updated_at);
  for (auto& p : pending) {
    if (p.attempted) continue;
    const auto before = p.update.fields.size();
    std::erase_if(p.update.fields, [&](const field_edit& e) {
      const auto now = value_of(news.after, e.field);
      if (now == value_of(news.before, e.field) || now == e.value || now == unknown_value)
        return false;
      if (!made || *made <= e.at) return false;
      for (const auto& who : e.by)
        answer(plan, who, "not changed: " + field_name(e.field) + " was changed in Plane meanwhile",
               view_of(news.after, setting));
      return true;
    });
    if (p.update.fields.size() == before) continue;
    if (p.update.fields.empty())
      plan.cancel.push_back(p.id);
    else
      plan.writes.push_back(replacement(p.id, p.update, "plane: gave way to a newer edit"));
  }
}

bool passes(const std::vector<std::string>& filter, std::initializer_list<std::string> values) {
  if (filter.empty()) return true;
  return std::any_of(values.begin(), values.end(), [&](const std::string& v) {
    return !v.empty() && std::find(filter.begin(), filter.end(), v) != filter.end();
  });
}

bool wants(const channel_mapping& c, const item_knowledge& k) {
  if (!c.shown || !c.announce_items || c.project != k.project) return false;
  const bool label =
      c.labels.empty() || std::any_of(k.labels.begin(), k.labels.end(), [&](const auto& l) {
        return std::find(c.labels.begin(), c.labels.end(), l) != c.labels.end();
      });
  return label && passes(c.states, {k.state.name}) &&
         passes(c.priorities, {std::string{plane::to_string(k.prio)}}) && passes(c.types, {k.type});
}

void announce(chat_plan& plan, const item_news& news, std::span<const channel_mapping> channels,
              const chat_setting& setting) {
  // Who comments on it has not made it.
  std::string author;
  if (news.said != nullptr && news.said->about == plane::subject::work_item)
    author = news.said->actor_name;
  std::set<std::string_view> told;
  for (const auto& c : channels.first(std::min(channels.size(), max_channels))) {
    if (c.chat == news.after.made_in || !wants(c, news.after) || !told.insert(c.chat).second)
      continue;
    chat_announcement a;
    a.item = view_of(news.after, setting);
    a.project = news.after.project;
    a.author = author;
    plan.hand_overs.push_back({entity_key::lark_chat(c.chat), std::move(a)});
  }
  if (!told.empty()) plan.rule = "chat: announced in " + std::to_string(told.size()) + " chats";
}

}  // namespace

std::string_view binding_state(const binding& b) noexcept { return b.live ? "live" : "off"; }

std::string binding_base(const binding& b) {
  return json::serialize(json::object{{"comments", b.comments}, {"changes", b.changes}});
}

binding parse_binding(std::string_view object, std::string_view remote_id, std::string_view state,
                      std::string_view base) {
  binding b;
  b.thread = object;
  b.chat = remote_id;
  b.live = state == "live";
  constexpr std::size_t max_base = 4'096;
  if (const auto o = read_object(base, max_base, errc::storage, "sync.binding")) {
    const json_fields f{*o, nullptr};
    b.comments = f.flag("comments", true);
    b.changes = f.flag("changes", true);
  }
  return b;
}

item_view view_of(const item_knowledge& k, const chat_setting& setting) {
  item_view v;
  v.id = k.id;
  v.project = k.project;
  if (setting.project && setting.project->id == k.project)
    v.identifier = setting.project->identifier;
  v.sequence = k.sequence_id;
  v.name = k.name;
  v.url = plane::item_page_url(setting.app_url, setting.workspace_slug, v.identifier, v.sequence,
                               v.project, v.id);
  v.state = k.state;
  v.prio = k.prio;
  const bool ids = has_ids(k);
  for (std::size_t i = 0; i < k.assignees.size(); ++i)
    v.assignees.push_back({ids ? k.assignee_ids[i] : "", k.assignees[i], ""});
  for (std::size_t i = 0; i < k.labels.size(); ++i)
    v.labels.push_back({ids ? k.label_ids[i] : "", k.labels[i]});
  v.start_date = k.start_date;
  v.target_date = k.target_date;
  v.excerpt = protocol::html::cut_utf8(k.text, excerpt_bytes);
  v.gone = k.where == presence::gone;
  v.archived = k.where == presence::archived;
  return v;
}

void append(chat_plan& to, chat_plan more) {
  for (auto& h : more.hand_overs) {
    auto* anew = std::get_if<item_changed>(&h.what);
    auto last = std::find_if(to.hand_overs.rbegin(), to.hand_overs.rend(),
                             [&](const auto& other) { return other.to == h.to; });
    auto* said = last == to.hand_overs.rend() ? nullptr : std::get_if<item_changed>(&last->what);
    if (anew == nullptr || said == nullptr || said->actor_id != anew->actor_id ||
        said->actor != anew->actor || said->caused_by_message != anew->caused_by_message) {
      to.hand_overs.push_back(std::move(h));
      continue;
    }
    said->now = std::move(anew->now);
    merge_changes(said->changes, std::move(anew->changes));
  }
  for (auto& w : more.writes) to.writes.push_back(std::move(w));
  to.cancel.insert(to.cancel.end(), more.cancel.begin(), more.cancel.end());
  for (auto& b : more.bindings) to.bindings.push_back(std::move(b));
  if (!more.rule.empty()) to.rule += (to.rule.empty() ? "" : "; ") + more.rule;
}

bool is_new_item(const item_news& news, timestamp now, const chat_setting& setting) {
  const auto& k = news.after;
  if (news.quiet || k.where != presence::here || k.draft) return false;
  if (news.before.where == presence::here && news.before.draft) return true;
  if (news.before.where != presence::unknown && !news.before.found_quietly) return false;
  if (news.said != nullptr && news.said->what == plane::action::created &&
      news.said->about == plane::subject::work_item && !news.said->side_effect_only)
    return true;
  const auto made = parse_rfc3339(k.created_at);
  return made && *made >= now - setting.new_for;
}

chat_plan plan_changes(const item_news& news, std::span<const binding> bindings,
                       std::span<const channel_mapping> channels,
                       std::span<const queued_write> queued, timestamp now,
                       const chat_setting& setting) {
  chat_plan plan;
  if (is_new_item(news, now, setting)) announce(plan, news, channels, setting);
  auto pending = updates_in(queued);
  give_way(plan, news, pending, setting);

  std::vector<field_change> theirs;
  std::vector<std::pair<const field_edit*, field_change>> ours;
  for (auto& c : changes_of(news.before, news.after)) {
    if (const auto* edit = explained_by(pending, c, news.after))
      ours.emplace_back(edit, std::move(c.shown));
    else
      theirs.push_back(std::move(c.shown));
  }
  std::optional<item_knowledge::own_file> own_file;
  std::optional<field_change> file;
  if (news.said != nullptr)
    if (auto part = part_change(*news.said)) {
      own_file = own_file_in(*news.said, *part, news.after, queued);
      if (own_file)
        file = std::move(*part);
      else
        theirs.push_back(std::move(*part));
    }
  if (theirs.empty() && ours.empty() && !file) return plan;

  const auto view = view_of(news.after, setting);
  std::size_t told = 0;
  for (const auto& b : bindings) {
    if (!b.live) continue;
    chat_plan one;
    // Where changes are not wanted the card is still kept right.
    if (!theirs.empty()) {
      item_changed what;
      what.now = view;
      if (b.changes) what.changes = theirs;
      if (news.said != nullptr) {
        what.actor = news.said->actor_name;
        what.actor_id = news.said->actor_id;
      }
      tell(one, b, std::move(what));
    }
    if (file && b.changes && b.thread != own_file->thread) {
      item_changed what;
      what.now = view;
      what.changes = {*file};
      what.actor = news.said->actor_name;
      what.actor_id = news.said->actor_id;
      what.caused_by_thread = own_file->thread;
      what.caused_by_message = own_file->message;
      chat_plan next;
      tell(next, b, std::move(what));
      append(one, std::move(next));
    }
    for (const auto& [edit, change] : ours) {
      const auto& by = edit->by.front();
      const bool asked_here = std::any_of(edit->by.begin(), edit->by.end(),
                                          [&](const asker& a) { return a.thread == b.thread; });
      if (asked_here) continue;  // the outcome answers them
      item_changed what;
      what.now = view;
      if (b.changes) what.changes = {change};
      what.actor = by.author.name;
      what.actor_id = by.author.plane_user;
      what.caused_by_thread = by.thread;
      what.caused_by_message = by.message;
      chat_plan next;
      tell(next, b, std::move(what));
      append(one, std::move(next));
    }
    if (!one.hand_overs.empty()) ++told;
    append(plan, std::move(one));
  }
  if (told > 0)
    plan.rule += (plan.rule.empty() ? "" : "; ") + std::string{"chat: told "} +
                 std::to_string(told) + (told == 1 ? " conversation" : " conversations");
  if (file && told == 0)
    plan.rule += (plan.rule.empty() ? "" : "; ") +
                 std::string{"absorbed: echo-by-receipt, an attachment of ours"};
  return plan;
}

// Comments ---------------------------------------------------------------------------------------

std::optional<comment_heard> comment_in(const plane::webhook_event& e) {
  if (e.about != plane::subject::comment || e.side_effect_only || e.entity_id.empty())
    return std::nullopt;
  if (e.what != plane::action::created && e.what != plane::action::updated &&
      e.what != plane::action::deleted)
    return std::nullopt;
  return comment_heard{e.what, e.entity_id, e.comment, e.actor_id, e.actor_name, e.field};
}

comment_verdict plan_comment(const comment_heard& event, const item_knowledge& known,
                             std::span<const binding> bindings, const chat_setting& setting) {
  chat_plan plan;
  const bool anybody = std::any_of(bindings.begin(), bindings.end(),
                                   [](const auto& b) { return b.live && b.comments; });
  const bool deleted =
      event.what == plane::action::deleted || (event.content && !event.content->deleted_at.empty());
  if (!deleted && event.content) {
    const auto& c = *event.content;
    const bool ours = read_marker(c.external_source, c.external_id).has_value();
    if (ours && event.what == plane::action::created) {
      plan.rule = "absorbed: echo-by-receipt, a comment of ours";
      return plan;
    }
    if (ours && (plane::is_struck_out(c.html) || !is_edit_of_text(event.field))) {
      plan.rule = "absorbed: echo-by-receipt, a comment of ours as we left it";
      return plan;
    }
  }
  if (!anybody) {
    plan.rule = "ignored: no conversation wants comments of this work item";
    return plan;
  }
  if (!deleted && !event.content) return needs_comment{event.id};

  item_commented what;
  what.comment = event.id;
  what.now = view_of(known, setting);
  what.how = deleted                                ? item_commented::what::deleted
             : event.what == plane::action::created ? item_commented::what::written
                                                    : item_commented::what::edited;
  what.author_id = event.actor_id;
  what.author = event.actor_name;
  if (event.content) {
    what.html = event.content->html;
    what.internal = event.content->internal();
    if (what.how == item_commented::what::written && !event.content->actor.empty() &&
        event.content->actor != event.actor_id) {
      what.author_id = event.content->actor;
      what.author.clear();
    }
  }
  std::size_t told = 0;
  for (const auto& b : bindings) {
    if (!b.live || !b.comments) continue;
    plan.hand_overs.push_back({entity_key::lark_thread(b.thread), what});
    ++told;
  }
  plan.rule = "chat: comment told to " + std::to_string(told) +
              (told == 1 ? " conversation" : " conversations");
  return plan;
}

chat_plan announce_project(const plane::project& project, const project_maker& by,
                           std::span<const channel_mapping> channels, const chat_setting& setting) {
  chat_plan plan;
  std::set<std::string_view> told;
  for (const auto& c : channels.first(std::min(channels.size(), max_channels))) {
    if (!c.shown || !c.announce_projects || !told.insert(c.chat).second) continue;
    chat_announcement a;
    a.project = project.id;
    a.project_name = project.name;
    a.identifier = project.identifier;
    a.url = project_page_url(setting, project.id);
    a.author = by.name;
    a.author_id = by.id;
    plan.hand_overs.push_back({entity_key::lark_chat(c.chat), std::move(a)});
  }
  if (!told.empty())
    plan.rule = "chat: project announced in " + std::to_string(told.size()) + " chats";
  return plan;
}

}  // namespace pb::sync

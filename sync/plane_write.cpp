#include "sync/plane_write.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/digest.hpp"
#include "protocol/html/escape.hpp"
#include "protocol/html/utf8.hpp"
#include "protocol/plane/parse.hpp"
#include "sync/item_view_json.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace plane = protocol::plane;
namespace {

constexpr std::string_view personal_credential = "lark.person.";
constexpr std::string_view chat_prefix = "lark:";
/// What our markers and the lane may hold; a message's own limit is far below.
constexpr std::size_t max_payload_bytes = 4U << 20;
constexpr std::size_t max_name_bytes = 100;

json::object object_of(const asker& a) {
  return {{"thread", a.thread},
          {"message", a.message},
          {"open_id", a.author.open_id},
          {"name", a.author.name},
          {"plane_user", a.author.plane_user},
          {"own_key", a.author.own_key}};
}
asker asker_of(const json_fields& f) {
  return {f.text("thread"),
          f.text("message"),
          {f.text("open_id"), f.text("name"), f.text("plane_user"), f.flag("own_key")}};
}
asker asker_in(const json_fields& f) {
  const auto o = f.object("by");
  return o ? asker_of(*o) : asker{};
}

json::object object_of(const comment_creation& w) {
  return {{"html", w.html}, {"chat", w.chat}, {"by", object_of(w.by)}};
}
json::object object_of(const comment_strike& w) {
  return {{"comment", w.comment}, {"by", object_of(w.by)}};
}
json::object object_of(const file_copy& w) {
  return {
      {"key", w.what.key}, {"name", w.what.name}, {"image", w.what.image}, {"by", object_of(w.by)}};
}
json::object object_of(const field_edit& e) {
  json::array by;
  for (const auto& a : e.by) by.emplace_back(object_of(a));
  json::object o{{"field", e.field},
                 {"value", e.value},
                 {"base", e.base},
                 {"at", to_micros(e.at)},
                 {"by", std::move(by)}};
  if (auto names = sync::object_of(e.names); !names.empty()) o["names"] = std::move(names);
  return o;
}
json::object object_of(const item_update& w) {
  json::array fields;
  for (const auto& e : w.fields) fields.emplace_back(object_of(e));
  return {{"fields", std::move(fields)}};
}

item_update read_update(const json_fields& f) {
  item_update w;
  for (const auto& o : f.objects("fields")) {
    field_edit e{o.text("field"), o.text("value"), o.text("base"), o.time("at"), {}, {}};
    if (const auto names = o.object("names")) e.names = names_of(*names);
    for (const auto& a : o.objects("by")) e.by.push_back(asker_of(a));
    if (e.by.size() > field_edit::max_askers) e.by.resize(field_edit::max_askers);
    w.fields.push_back(std::move(e));
  }
  return w;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto cut = std::min(text.find(at), text.size());
    if (cut > 0) out.emplace_back(text.substr(0, cut));
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
  return out;
}

const chat_author* author_of(const plane_write& w) {
  struct visitor {
    const chat_author* operator()(const comment_creation& c) const { return &c.by.author; }
    const chat_author* operator()(const comment_strike& c) const { return &c.by.author; }
    const chat_author* operator()(const item_update& u) const {
      return u.fields.empty() || u.fields.front().by.empty() ? nullptr
                                                             : &u.fields.front().by.front().author;
    }
    const chat_author* operator()(const thread_wants_item& t) const { return &t.author; }
    const chat_author* operator()(const file_copy& f) const { return &f.by.author; }
  };
  return std::visit(visitor{}, w);
}

}  // namespace

std::string marker_of(std::string_view message) {
  return std::string{chat_prefix} + std::string{message};
}
std::string marker_of_file(std::string_view message, std::string_view key) {
  constexpr std::size_t longest = 255;
  auto out = marker_of(message) + '/' + std::string{key};
  return out.size() <= longest ? out : std::string{chat_prefix} + sha256_hex(out);
}
std::string marker_of(const thread_wants_item& w) { return marker_of(w.message) + '@' + w.chat; }

std::optional<marked> read_marker(std::string_view external_source, std::string_view external_id) {
  if (external_source != our_source || !external_id.starts_with(chat_prefix)) return std::nullopt;
  external_id.remove_prefix(chat_prefix.size());
  const auto at = external_id.find('@');
  marked m;
  m.message = external_id.substr(0, at);
  if (at != std::string_view::npos) m.chat = external_id.substr(at + 1);
  return m;
}

std::string html_to_write(const comment_creation& c) {
  if (c.by.author.own_key) return c.html;
  const auto name = protocol::html::cut_utf8(c.by.author.name, max_name_bytes);
  const auto who =
      "<strong>" + (name.empty() ? "Somebody" : protocol::html::escaped(name)) + ":</strong>";
  constexpr std::string_view paragraph = "<p>";
  if (c.html.starts_with(paragraph))
    return std::string{paragraph} + who + ' ' + c.html.substr(paragraph.size());
  return "<p>" + who + "</p>" + c.html;
}

std::string_view operation_of(const plane_write& w) noexcept {
  struct visitor {
    std::string_view operator()(const comment_creation&) const {
      return comment_creation::operation;
    }
    std::string_view operator()(const comment_strike&) const { return comment_strike::operation; }
    std::string_view operator()(const item_update&) const { return item_update::operation; }
    std::string_view operator()(const thread_wants_item&) const { return create_item_operation; }
    std::string_view operator()(const file_copy&) const { return file_copy::operation; }
  };
  return std::visit(visitor{}, w);
}

std::string to_json(const plane_write& w) {
  struct visitor {
    std::string operator()(const comment_creation& c) const {
      return json::serialize(object_of(c));
    }
    std::string operator()(const comment_strike& c) const { return json::serialize(object_of(c)); }
    std::string operator()(const item_update& u) const { return json::serialize(object_of(u)); }
    std::string operator()(const thread_wants_item& t) const { return to_json(between{t}); }
    std::string operator()(const file_copy& f) const { return json::serialize(object_of(f)); }
  };
  return std::visit(visitor{}, w);
}

result<plane_write> parse_plane_write(std::string_view operation, std::string_view payload) {
  if (operation == create_item_operation) {
    auto b = parse_between(thread_wants_item::form, payload);
    if (!b) return b.error();
    return plane_write{std::get<thread_wants_item>(std::move(*b))};
  }
  const auto o = read_object(payload, max_payload_bytes, errc::storage, "sync.plane_write");
  if (!o) return o.error();
  std::string problem;
  const json_fields f{*o, &problem};
  plane_write out;
  if (operation == comment_creation::operation)
    out = comment_creation{f.text("html"), f.text("chat"), asker_in(f)};
  else if (operation == comment_strike::operation)
    out = comment_strike{f.text("comment"), asker_in(f)};
  else if (operation == item_update::operation)
    out = read_update(f);
  else if (operation == file_copy::operation)
    out = file_copy{{f.text("key"), f.text("name"), f.flag("image")}, asker_in(f)};
  else
    problem = "an operation this version does not know: " + std::string{operation.substr(0, 100)};
  if (problem.empty()) return out;
  return failure{errc::storage, "sync.plane_write", std::move(problem), "", 0, "", {}};
}

std::string own_key_of(const plane_write& w) {
  const auto* author = author_of(w);
  return author != nullptr && author->own_key ? author->open_id : std::string{};
}
std::string thread_of(const plane_write& w) {
  struct visitor {
    std::string operator()(const comment_creation& c) const { return c.by.thread; }
    std::string operator()(const comment_strike& c) const { return c.by.thread; }
    std::string operator()(const item_update& u) const {
      return u.fields.empty() || u.fields.front().by.empty() ? std::string{}
                                                             : u.fields.front().by.front().thread;
    }
    std::string operator()(const thread_wants_item& t) const { return t.thread; }
    std::string operator()(const file_copy& f) const { return f.by.thread; }
  };
  return std::visit(visitor{}, w);
}
plane_write as_integration(plane_write w) {
  struct visitor {
    void operator()(comment_creation& c) const { c.by.author.own_key = false; }
    void operator()(comment_strike& c) const { c.by.author.own_key = false; }
    void operator()(item_update& u) const {
      for (auto& e : u.fields)
        for (auto& a : e.by) a.author.own_key = false;
    }
    void operator()(thread_wants_item& t) const { t.author.own_key = false; }
    void operator()(file_copy& f) const { f.by.author.own_key = false; }
  };
  std::visit(visitor{}, w);
  return w;
}
std::string credential_of(const plane_write& w) {
  const auto person = own_key_of(w);
  return person.empty() ? person : std::string{personal_credential} + person;
}

plane::item_change change_of(const item_update& w) {
  plane::item_change c;
  for (const auto& e : w.fields) {
    if (e.field == "state")
      c.set.state = e.value;
    else if (e.field == "priority")
      c.set.prio = plane::priority_from(e.value).value_or(plane::priority::none);
    else if (e.field == "name")
      c.set.name = e.value;
    else if (e.field == "start_date")
      c.set.start_date = e.value;
    else if (e.field == "target_date")
      c.set.target_date = e.value;
    else if (e.field == "assignees")
      c.set.assignees = split(e.value, ',');
    else if (e.field.starts_with(label_prefix))
      (e.value == "on" ? c.labels_added : c.labels_removed)
          .push_back(e.field.substr(label_prefix.size()));
  }
  return c;
}

plane::item_names names_for(const item_update& w, const item_knowledge& known) {
  plane::item_names n;
  // First what was asked for: it is newer than what the item was heard with.
  for (const auto& e : w.fields) {
    n.states.insert(n.states.end(), e.names.states.begin(), e.names.states.end());
    n.labels.insert(n.labels.end(), e.names.labels.begin(), e.names.labels.end());
    n.people.insert(n.people.end(), e.names.people.begin(), e.names.people.end());
  }
  // The cloud's events give uuids alone; what has no name is to be read.
  if (!known.state.id.empty() && !known.state.name.empty()) n.states.push_back(known.state);
  if (!has_ids(known)) return n;
  for (std::size_t i = 0; i < known.labels.size(); ++i)
    if (!known.labels[i].empty()) n.labels.push_back({known.label_ids[i], known.labels[i]});
  for (std::size_t i = 0; i < known.assignees.size(); ++i)
    if (!known.assignees[i].empty())
      n.people.push_back({known.assignee_ids[i], known.assignees[i], ""});
  return n;
}

}  // namespace pb::sync

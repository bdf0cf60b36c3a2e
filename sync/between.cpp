#include "sync/between.hpp"

#include "sync/item_view_json.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace plane = protocol::plane;
namespace {

json::value value_of(const chat_author& a) {
  return {{"open_id", a.open_id},
          {"name", a.name},
          {"plane_user", a.plane_user},
          {"own_key", a.own_key}};
}
chat_author author_of(const json_fields& f) {
  chat_author a;
  if (const auto o = f.object("author"))
    a = {o->text("open_id"), o->text("name"), o->text("plane_user"), o->flag("own_key")};
  return a;
}
item_view view_in(const json_fields& f, std::string_view key) {
  const auto o = f.object(key);
  return o ? view_of(*o) : item_view{};
}
void put(json::object& o, std::string_view key, const std::optional<std::string>& value) {
  if (value) o[json::string_view{key.data(), key.size()}] = *value;
}
std::optional<std::string> text_in(const json_fields& f, std::string_view key) {
  return f.has(key) ? std::optional{f.text(key)} : std::nullopt;
}

json::object object_of(const thread_commented& b) {
  json::array files;
  for (const auto& one : b.files)
    files.push_back({{"key", one.key}, {"name", one.name}, {"image", one.image}});
  return {{"thread", b.thread},           {"chat", b.chat},
          {"message", b.message},         {"html", b.html},
          {"author", value_of(b.author)}, {"project", b.project},
          {"files", std::move(files)}};
}
void read(const json_fields& f, thread_commented& b) {
  b = {f.text("thread"), f.text("chat"), f.text("message"),
       f.text("html"),   author_of(f),   f.text("project")};
  for (const auto& one : f.objects("files"))
    b.files.push_back({one.text("key"), one.text("name"), one.flag("image")});
}

json::object object_of(const thread_recalled& b) {
  return {{"thread", b.thread}, {"message", b.message}, {"comment", b.comment}};
}
void read(const json_fields& f, thread_recalled& b) {
  b = {f.text("thread"), f.text("message"), f.text("comment")};
}

json::object object_of(const thread_edited& b) {
  json::object o{{"thread", b.thread},
                 {"chat", b.chat},
                 {"message", b.message},
                 {"author", value_of(b.author)}};
  put(o, "state", b.state);
  put(o, "target", b.target_date);
  put(o, "start", b.start_date);
  put(o, "name", b.name);
  if (b.prio) o["priority"] = static_cast<int>(*b.prio);
  if (b.assignees) o["assignees"] = array_of(*b.assignees);
  o["labels_added"] = array_of(b.labels_added);
  o["labels_removed"] = array_of(b.labels_removed);
  o["project"] = b.project;
  if (auto names = sync::object_of(b.names); !names.empty()) o["names"] = std::move(names);
  return o;
}
void read(const json_fields& f, thread_edited& b) {
  b.thread = f.text("thread");
  b.chat = f.text("chat");
  b.message = f.text("message");
  b.author = author_of(f);
  b.state = text_in(f, "state");
  b.target_date = text_in(f, "target");
  b.start_date = text_in(f, "start");
  b.name = text_in(f, "name");
  if (f.has("priority")) b.prio = f.choice("priority", plane::priority::urgent);
  if (f.has("assignees")) b.assignees = f.texts("assignees");
  b.labels_added = f.texts("labels_added");
  b.labels_removed = f.texts("labels_removed");
  b.project = f.text("project");
  if (const auto names = f.object("names")) b.names = names_of(*names);
}

json::object object_of(const thread_bound& b) {
  return {{"thread", b.thread},     {"chat", b.chat},       {"bound", b.bound},
          {"comments", b.comments}, {"changes", b.changes}, {"project", b.project}};
}
void read(const json_fields& f, thread_bound& b) {
  b = {f.text("thread"),         f.text("chat"),          f.flag("bound", true),
       f.flag("comments", true), f.flag("changes", true), f.text("project")};
}

json::object object_of(const thread_wants_item& b) {
  return {{"thread", b.thread},          {"chat", b.chat}, {"message", b.message},
          {"project", b.project},        {"name", b.name}, {"html", b.html},
          {"author", value_of(b.author)}};
}
void read(const json_fields& f, thread_wants_item& b) {
  b = {f.text("thread"), f.text("chat"), f.text("message"), f.text("project"),
       f.text("name"),   f.text("html"), author_of(f)};
}

json::object object_of(const item_changed& b) {
  json::array changes;
  for (const auto& c : b.changes)
    changes.push_back({{"field", c.field}, {"before", c.before}, {"after", c.after}});
  return {{"now", object_of(b.now)},
          {"changes", std::move(changes)},
          {"actor", b.actor},
          {"actor_id", b.actor_id},
          {"by_thread", b.caused_by_thread},
          {"by_message", b.caused_by_message}};
}
void read(const json_fields& f, item_changed& b) {
  b.now = view_in(f, "now");
  for (const auto& c : f.objects("changes"))
    b.changes.push_back({c.text("field"), c.text("before"), c.text("after")});
  b.actor = f.text("actor");
  b.actor_id = f.text("actor_id");
  b.caused_by_thread = f.text("by_thread");
  b.caused_by_message = f.text("by_message");
}

json::object object_of(const item_commented& b) {
  return {{"how", static_cast<int>(b.how)},
          {"comment", b.comment},
          {"html", b.html},
          {"author", b.author},
          {"author_id", b.author_id},
          {"internal", b.internal},
          {"from_thread", b.from_thread},
          {"from_message", b.from_message},
          {"now", object_of(b.now)}};
}
void read(const json_fields& f, item_commented& b) {
  b.how = f.choice("how", item_commented::what::deleted);
  b.comment = f.text("comment");
  b.html = f.text("html");
  b.author = f.text("author");
  b.author_id = f.text("author_id");
  b.internal = f.flag("internal");
  b.from_thread = f.text("from_thread");
  b.from_message = f.text("from_message");
  b.now = view_in(f, "now");
}

json::object object_of(const item_answered& b) {
  json::object o{{"message", b.message}, {"ok", b.ok}, {"text", b.text}, {"comment", b.comment}};
  if (b.now) o["now"] = object_of(*b.now);
  return o;
}
void read(const json_fields& f, item_answered& b) {
  b.message = f.text("message");
  b.ok = f.flag("ok", true);
  b.text = f.text("text");
  b.comment = f.text("comment");
  if (f.has("now")) b.now = view_in(f, "now");
}

json::object object_of(const chat_announcement& b) {
  json::object o{{"project", b.project},       {"project_name", b.project_name},
                 {"identifier", b.identifier}, {"url", b.url},
                 {"author", b.author},         {"author_id", b.author_id}};
  if (b.item) o["item"] = object_of(*b.item);
  return o;
}
void read(const json_fields& f, chat_announcement& b) {
  if (f.has("item")) b.item = view_in(f, "item");
  b.project = f.text("project");
  b.project_name = f.text("project_name");
  b.identifier = f.text("identifier");
  b.url = f.text("url");
  b.author = f.text("author");
  b.author_id = f.text("author_id");
}

json::object object_of(const chat_alarm& b) { return {{"text", b.text}}; }
void read(const json_fields& f, chat_alarm& b) { b.text = f.text("text"); }

json::object object_of(const thread_started& b) {
  return {{"thread", b.thread},
          {"chat", b.chat},
          {"item", object_of(b.item)},
          {"shown", b.shown},
          {"announced_by", b.announced_by}};
}
void read(const json_fields& f, thread_started& b) {
  b = {f.text("thread"), f.text("chat"), view_in(f, "item"), f.text("shown"),
       f.text("announced_by")};
}

json::object object_of(const thread_ended& b) {
  return {{"thread", b.thread}, {"chat", b.chat}, {"why", b.why}};
}
void read(const json_fields& f, thread_ended& b) {
  b = {f.text("thread"), f.text("chat"), f.text("why")};
}

json::object object_of(const key_refused& b) { return {{"open_id", b.open_id}}; }
void read(const json_fields& f, key_refused& b) { b.open_id = f.text("open_id"); }

/// Tries each kind in turn; the forms are all different.
template <std::size_t I = 0>
bool read_as(std::string_view form, const json_fields& f, between& out) {
  if constexpr (I == std::variant_size_v<between>) {
    return false;
  } else {
    using kind = std::variant_alternative_t<I, between>;
    if (form != kind::form) return read_as<I + 1>(form, f, out);
    kind b;
    read(f, b);
    out = std::move(b);
    return true;
  }
}

}  // namespace

std::string_view project_named_in(const between& b) noexcept {
  return std::visit(
      [](const auto& x) -> std::string_view {
        if constexpr (asks_item<std::decay_t<decltype(x)>>)
          return x.project;
        else
          return {};
      },
      b);
}

std::string_view form_of(const between& b) noexcept {
  return std::visit([](const auto& kind) { return kind.form; }, b);
}

std::string to_json(const between& b) {
  return std::visit([](const auto& kind) { return json::serialize(object_of(kind)); }, b);
}

result<between> parse_between(std::string_view form, std::string_view text) {
  constexpr std::string_view where = "sync.between";
  const auto o = read_object(text, max_between_bytes, errc::bad_input, where);
  if (!o) return o.error();
  std::string problem;
  between out;
  if (!read_as(form, {*o, &problem}, out))
    problem = "no such form: " + std::string{form.substr(0, 60)};
  if (!problem.empty())
    return failure{.code = errc::bad_input, .where = std::string{where}, .detail = problem};
  return out;
}

}  // namespace pb::sync

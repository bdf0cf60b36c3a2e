#include "sync/item_view.hpp"

#include "sync/item_view_json.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace plane = protocol::plane;

std::string short_name(const item_view& v) {
  if (!v.identifier.empty() && v.sequence > 0)
    return v.identifier + "-" + std::to_string(v.sequence);
  return v.id.substr(0, 8);
}

namespace {

json::object object_of(const plane::state_ref& s) {
  return {{"id", s.id}, {"name", s.name}, {"group", static_cast<int>(s.group)}};
}
plane::state_ref state_of(const json_fields& f) {
  return {f.text("id"), f.text("name"), f.choice("group", plane::state_group::triage)};
}
json::array array_of(const std::vector<plane::label_ref>& all) {
  json::array out;
  for (const auto& l : all) out.push_back({{"id", l.id}, {"name", l.name}});
  return out;
}
std::vector<plane::label_ref> labels_in(const json_fields& f) {
  std::vector<plane::label_ref> out;
  for (const auto& l : f.objects("labels")) out.push_back({l.text("id"), l.text("name")});
  return out;
}

}  // namespace

json::object object_of(const item_view& v) {
  json::object o;
  o["id"] = v.id;
  o["project"] = v.project;
  o["identifier"] = v.identifier;
  o["n"] = v.sequence;
  o["name"] = v.name;
  o["url"] = v.url;
  o["state"] = object_of(v.state);
  o["priority"] = static_cast<int>(v.prio);
  json::array people;
  for (const auto& a : v.assignees)
    people.push_back({{"id", a.id}, {"name", a.display_name}, {"email", a.email}});
  o["assignees"] = std::move(people);
  o["labels"] = array_of(v.labels);
  o["start"] = v.start_date;
  o["target"] = v.target_date;
  o["excerpt"] = v.excerpt;
  o["gone"] = v.gone;
  o["archived"] = v.archived;
  return o;
}

item_view view_of(const json_fields& f) {
  item_view v;
  v.id = f.text("id");
  v.project = f.text("project");
  v.identifier = f.text("identifier");
  v.sequence = f.number("n");
  v.name = f.text("name");
  v.url = f.text("url");
  if (const auto s = f.object("state")) v.state = state_of(*s);
  v.prio = f.choice("priority", plane::priority::urgent);
  for (const auto& a : f.objects("assignees"))
    v.assignees.push_back({a.text("id"), a.text("name"), a.text("email")});
  v.labels = labels_in(f);
  v.start_date = f.text("start");
  v.target_date = f.text("target");
  v.excerpt = f.text("excerpt");
  v.gone = f.flag("gone");
  v.archived = f.flag("archived");
  return v;
}

json::object object_of(const plane::item_names& n) {
  json::object o;
  json::array states, people;
  for (const auto& s : n.states) states.emplace_back(object_of(s));
  for (const auto& p : n.people) people.push_back({{"id", p.id}, {"name", p.display_name}});
  if (!states.empty()) o["states"] = std::move(states);
  if (!n.labels.empty()) o["labels"] = array_of(n.labels);
  if (!people.empty()) o["people"] = std::move(people);
  return o;
}

plane::item_names names_of(const json_fields& f) {
  plane::item_names n;
  for (const auto& s : f.objects("states")) n.states.push_back(state_of(s));
  n.labels = labels_in(f);
  for (const auto& p : f.objects("people")) n.people.push_back({p.text("id"), p.text("name"), ""});
  return n;
}

std::string to_json(const item_view& v) { return json::serialize(object_of(v)); }

result<item_view> parse_item_view(std::string_view text) {
  constexpr std::size_t max_bytes = 1U << 20;
  const auto o = read_object(text, max_bytes, errc::bad_input, "sync.item_view");
  if (!o) return o.error();
  std::string problem;
  auto v = view_of({*o, &problem});
  if (!problem.empty())
    return failure{.code = errc::bad_input, .where = "sync.item_view", .detail = problem};
  return v;
}

}  // namespace pb::sync

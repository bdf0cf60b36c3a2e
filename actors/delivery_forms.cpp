#include "actors/delivery_forms.hpp"

#include <boost/json.hpp>

#include "protocol/plane/parse.hpp"
#include "protocol/plane/webhook.hpp"

namespace pb::actors {
namespace json = boost::json;
namespace {

failure unreadable(std::string_view form, std::string detail) {
  return {errc::bad_input, std::string{form}, std::move(detail), "", 0, "", {}};
}

result<json::object> object_in(std::string_view form, std::string_view body) {
  boost::system::error_code ec;
  auto v = json::parse(json::string_view{body.data(), body.size()}, ec);
  if (ec || !v.is_object()) return unreadable(form, "not a JSON object");
  return std::move(v.get_object());
}

std::string text(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}

}  // namespace

result<sync::heard> hear(const persistence::delivery& d) {
  const std::string_view body = d.body ? std::string_view{*d.body} : std::string_view{};
  if (d.form == forms::plane_webhook) {
    if (d.said) return sync::heard{sync::heard_webhook{*d.said, d.received_at}};
    auto e = protocol::plane::parse_webhook(body, {});
    if (!e) return e.error();
    return sync::heard{sync::heard_webhook{std::move(*e), d.received_at}};
  }
  if (d.form == forms::plane_project_gone) return sync::heard{sync::heard_gone{d.received_at}};
  auto o = object_in(d.form, body);
  if (!o) return o.error();
  if (d.form == forms::plane_read) {
    const auto* item = o->if_contains("item");
    if (item == nullptr || !item->is_object()) return unreadable(d.form, "no item");
    auto parsed = protocol::plane::parse_work_item(json::serialize(*item));
    if (!parsed) return parsed.error();
    const auto* at = o->if_contains("requested_at");
    return sync::heard{sync::heard_item{
        std::move(*parsed), from_micros(at != nullptr && at->is_int64() ? at->get_int64() : 0),
        false}};
  }
  if (d.form == forms::plane_absent)
    return sync::heard{sync::heard_hint{"a full scan did not list it"}};
  if (d.form == forms::plane_touch) {
    auto why = text(*o, "why");
    return sync::heard{sync::heard_hint{why.empty() ? "something may have changed" : why}};
  }
  return unreadable(d.form, "a form this version does not know");
}

std::string project_named_in(const persistence::delivery& d) {
  if (!d.body || d.form == forms::plane_webhook) return {};
  auto o = object_in(d.form, *d.body);
  if (!o) return {};
  const auto* item = o->if_contains("item");
  return text(item != nullptr && item->is_object() ? item->get_object() : *o, "project");
}

project_author author_in(const persistence::delivery& d) {
  const std::string_view body = d.body ? std::string_view{*d.body} : std::string_view{};
  if (d.form == forms::plane_webhook) {
    if (d.said) return {d.said->actor_id, d.said->actor_name};
    const auto e = protocol::plane::parse_webhook(body, {});
    return e ? project_author{e->actor_id, e->actor_name} : project_author{};
  }
  const auto o = object_in(d.form, body);
  return o ? project_author{text(*o, "created_by"), {}} : project_author{};
}
std::string project_created_body(const protocol::plane::project& found) {
  json::object o;
  if (!found.created_by.empty()) o["created_by"] = found.created_by;
  return json::serialize(o);
}

std::optional<persistence::touched_entity> touch_of(const persistence::delivery_append& d) {
  const auto& row = d.row;
  if (row.entity.empty() || row.source != "plane") return std::nullopt;
  persistence::touched_entity e{row.entity, project_named_in(row), 0};
  if (row.form == forms::plane_webhook && row.body)
    if (const auto said = protocol::plane::parse_webhook(*row.body, {}))
      e.parent = said->project_id;
  return e;
}

persistence::delivery_append touch_delivery(const persistence::touched_entity& e, timestamp now) {
  persistence::delivery_append d;
  d.row.tenant = "default";
  d.row.source = "plane";
  d.row.form = forms::plane_touch;
  d.row.event = std::string{e.key.kind()} + ".touched";
  d.row.entity = e.key;
  d.row.body = std::make_shared<const std::string>(
      touch_body(e.parent, "it changed while the database was away and the spool was full"));
  d.row.received_at = now;
  d.identities.push_back("touched:" + e.key.text() + ":" + std::to_string(e.mark));
  return d;
}

std::string touch_body(std::string_view project, std::string_view why) {
  return json::serialize(json::object{{"project", project}, {"why", why}});
}

std::string read_body(timestamp requested_at, std::string_view item_json) {
  std::string out = "{\"requested_at\":" + std::to_string(to_micros(requested_at)) + ",\"item\":";
  out += item_json;
  out += '}';
  return out;
}

std::string observed_body(const sync::observed_event& s) {
  return json::serialize(json::object{{"present", s.present},
                                      {"href", s.href},
                                      {"etag", s.etag},
                                      {"forced", s.forced},
                                      {"project", s.project}});
}

result<sync::observed_event> parse_observed(std::string_view body) {
  auto o = object_in(forms::calendar_observed, body);
  if (!o) return o.error();
  sync::observed_event s;
  const auto flag = [&](std::string_view key) {
    const auto* v = o->if_contains(key);
    return v != nullptr && v->is_bool() && v->get_bool();
  };
  s.present = flag("present");
  s.forced = flag("forced");
  s.href = text(*o, "href");
  s.etag = text(*o, "etag");
  s.project = text(*o, "project");
  return s;
}

}  // namespace pb::actors

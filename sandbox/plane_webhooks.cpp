// sandbox: which change announces what, and the exact bytes of it (contract 1.1 to 1.9, recorded).
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <stdexcept>

#include "base/digest.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

constexpr std::size_t logs_kept = 500;

/// v0.25's word for a field that the page changed, or the same one.
std::string_view old_name(std::string_view key) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> names{
      {{"state_id", "state"},
       {"assignee_ids", "assignees"},
       {"label_ids", "labels"},
       {"parent_id", "parent"},
       {"description_html", "description"}}};
  for (const auto& [ours, theirs] : names)
    if (ours == key) return theirs;
  return key;
}

bool has(const json::value& list, const json::value& item) {
  const auto& items = list.get_array();
  return std::find(items.begin(), items.end(), item) != items.end();
}

/// Plane's HTTP library turns "user:password@" into an Authorization header.
std::string without_userinfo(const std::string& url, std::string& userinfo) {
  const auto scheme = url.find("://");
  const auto end = scheme == std::string::npos ? scheme : url.find_first_of("/?#", scheme + 3);
  const auto at = scheme == std::string::npos ? scheme : url.rfind('@', end);
  if (at == std::string::npos || at < scheme) return url;
  userinfo = protocol::percent_decode(url.substr(scheme + 3, at - scheme - 3));
  return url.substr(0, scheme + 3) + url.substr(at + 1);
}

json::value sent_to(plane::impl& in, const webhook_delivery& d) {
  const row* hook = in.webhooks.find_any(d.webhook_id);
  return hook == nullptr ? json::value{} : hook->at("workspace");
}

}  // namespace

void plane::impl::announce(const call& c, std::string_view event, std::string_view action,
                           std::string_view object_id, change what) {
  const auto span =
      std::max(options.webhook_delay_max - options.webhook_delay_min, std::chrono::milliseconds{0});
  const auto draw = static_cast<double>(span.count()) * random.unit_draw();
  webhook_task t;
  t.due = clock.now() + options.webhook_delay_min +
          std::chrono::milliseconds{static_cast<std::int64_t>(draw)};
  t.workspace_id = c.workspace_id();
  t.event = event;
  t.action = action;
  t.actor_id = c.user_id();
  t.object_id = object_id;
  t.what = std::move(what);
  queue.push_back(std::move(t));
}

// The dispatcher walks the request's keys, so also read-only keys are "changed" and the new value
// is what was asked for, not what was stored.
void plane::impl::announce_changes(const call& c, std::string_view event,
                                   std::string_view object_id, const row& before) {
  for (const auto& asked : c.body)
    if (const json::value* stored = before.if_contains(asked.key());
        stored != nullptr && !same_json(*stored, asked.value()))
      announce(c, event, "updated", object_id,
               {std::string_view{asked.key()}, *stored, asked.value()});
}

void plane::impl::announce_item_change(const call& c, const row& item, const row& before) {
  const std::string id = text_of(item, "id");
  for (const auto& asked : c.body) {
    const json::value* stored = before.if_contains(asked.key());
    if (stored == nullptr || same_json(*stored, asked.value())) continue;
    const bool state = asked.key() == "state" || asked.key() == "state_id";
    const auto state_name = [&](const json::value& v) {
      row* s = v.is_string() ? states.find_any(v.get_string()) : nullptr;
      return s == nullptr ? json::value{} : s->at("name");
    };
    const auto as_text = [](const json::value& v) {
      return v.is_null() || v.is_string() ? v : json::value(rest_json(v));
    };
    const std::string_view name = old_name(asked.key());
    note_activity(c, item, "updated",
                  {name, state ? state_name(*stored) : as_text(*stored),
                   state ? state_name(asked.value()) : as_text(asked.value()),
                   state ? *stored : json::value{}, state ? asked.value() : json::value{}},
                  "updated the " + std::string{name} + " to");
  }
  if (old())
    announce_old_item_change(c, item, before);
  else
    announce_changes(c, "issue", id, before);
}

void plane::impl::announce_old_item_change(const call& c, const row& item, const row& before) {
  const std::string id = text_of(item, "id");
  for (const auto& asked : c.body) {
    const std::string_view key = asked.key();
    const json::value* stored = before.if_contains(key);
    if (stored == nullptr || same_json(*stored, asked.value())) continue;
    const json::value now = asked.value();
    if (key == "state" || key == "assignees" || key == "labels")
      continue;  // over REST: nothing at all
    const std::string_view name = old_name(key);
    if (key == "state_id") {
      const row* from = states.find_any(text_of(before, key));
      const row* to = states.find_any(text_of(item, "state"));
      announce(c, "issue", "updated", id,
               {name, from == nullptr ? json::value{} : from->at("name"),
                to == nullptr ? json::value{} : to->at("name"), *stored, now});
    } else if (key == "assignee_ids" || key == "label_ids") {
      const bool people = key == "assignee_ids";
      const auto title = [&](const json::value& one) -> json::value {
        const row* r = (people ? users : labels).find_any(one.get_string());
        return r == nullptr ? json::value{} : r->at(people ? "display_name" : "name");
      };
      if (!now.is_array() || !stored->is_array()) continue;
      for (const auto& one : now.get_array())
        if (!has(*stored, one))
          announce(c, "issue", "updated", id, {name, {}, title(one), {}, one});
      for (const auto& one : stored->get_array())
        if (!has(now, one)) announce(c, "issue", "updated", id, {name, title(one), {}, one});
    } else {
      announce(c, "issue", "updated", id, {name, *stored, now});
    }
    if (c.session)  // and once more with raw values
      announce(c, "issue", "updated", id, {key, *stored, now});
  }
}

json::value plane::impl::webhook_data(const webhook_task& t) {
  const json::value id = text_or_null(t.object_id);
  if (t.action == "deleted") return row{{"id", id}};
  if (t.event == "issue") {
    const row* item = items.find_any(t.object_id);
    if (item == nullptr) return nullptr;
    const row& shown = old() ? ever_listed[t.object_id] : *item;
    json::array assignees, tags;
    for (const auto& one : list_of(shown, "assignees"))
      assignees.push_back(user_view(one.get_string()));
    for (const auto& one : list_of(shown, "labels"))
      if (const row* label = labels.find_any(one.get_string()))
        tags.push_back(pick(*label, {"id", "name", "color"}));
    row out{{"id", id},
            {"labels", std::move(tags)},
            {"assignees", std::move(assignees)},
            {"state", expanded("state", item->at("state"))}};
    if (!old()) out["description"] = row{};
    for (const auto& column :
         pick(*item, {"created_at", "updated_at", "deleted_at", "point", "name"}))
      out[column.key()] = column.value();
    out[old() ? "description" : "description_json"] = row{};
    out["description_html"] = item->at("description_html");
    out["description_stripped"] = stripped[t.object_id];
    for (const auto& column :
         pick(*item, {"description_binary", "priority", "start_date", "target_date", "sequence_id",
                      "sort_order", "completed_at", "archived_at", "is_draft", "external_source",
                      "external_id", "created_by", "updated_by", "project", "workspace", "parent",
                      "estimate_point", "type"}))
      out[column.key()] = column.value();
    return out;
  }
  if (t.event == "project") {
    const row* p = projects.find_any(t.object_id);
    if (p == nullptr) return nullptr;
    row out{{"id", id}, {"cover_image_url", nullptr}};
    if (old()) out["inbox_view"] = true_in(*p, "intake_view");
    for (const auto& column : *p) out[column.key()] = column.value();
    if (old()) {
      out.stable_erase("external_source");
      out.stable_erase("external_id");
    }
    return out;
  }
  table& rows = t.event == "issue_comment" ? comments : t.event == "module" ? modules : cycles;
  const row* r = rows.find_any(t.object_id);
  return r == nullptr ? json::value{} : json::value(*r);
}

webhook_delivery plane::impl::delivery_to(const row& hook, const webhook_task& t,
                                          std::string body) {
  webhook_delivery d;
  d.webhook_id = text_of(hook, "id");
  std::string userinfo;
  d.url = without_userinfo(text_of(hook, "url"), userinfo);
  d.headers = {{"Host", std::string{host_of(d.url)}}, {"User-Agent", "Autopilot"},
               {"Accept-Encoding", "gzip, deflate"},  {"Accept", "*/*"},
               {"Connection", "keep-alive"},          {"Content-Type", "application/json"},
               {"X-Plane-Delivery", new_id()},        {"X-Plane-Event", t.event}};
  if (const std::string key = text_of(hook, "secret_key"); !key.empty())
    d.headers.push_back({"X-Plane-Signature", to_hex(hmac_sha256(key, body)), true});
  d.headers.push_back({"Content-Length", std::to_string(body.size())});
  if (!userinfo.empty())
    d.headers.push_back({"Authorization", "Basic " + to_base64(userinfo), true});
  d.body = std::move(body);
  d.delay = std::max(std::chrono::milliseconds{0},
                     std::chrono::ceil<std::chrono::milliseconds>(t.due - clock.now()));
  d.event = t.event;
  d.action = t.action;
  d.field = t.what.field.value.is_string() ? std::string{t.what.field.value.get_string()} : "";
  d.object_id = t.object_id;
  return d;
}

std::vector<webhook_delivery> plane::impl::deliveries_of(const webhook_task& t) {
  std::vector<webhook_delivery> out;
  const json::value data = webhook_data(t);
  if (data.is_null()) return out;
  for (const row* hook : webhooks.of(t.workspace_id)) {
    if (!true_in(*hook, "is_active") || !true_in(*hook, t.event)) continue;
    row body{{"event", t.event},
             {"action", t.action},
             {"webhook_id", hook->at("id")},
             {"workspace_id", t.workspace_id}};
    if (options.workspace_slug_in_webhooks)
      body["workspace_slug"] = workspaces.find(t.workspace_id)->at("slug");
    body["data"] = data;
    body["activity"] = row{{"field", t.what.field.value},
                           {"new_value", t.what.new_value.value},
                           {"old_value", t.what.old_value.value},
                           {"actor", user_view(t.actor_id)},
                           {"old_identifier", t.what.old_identifier.value},
                           {"new_identifier", t.what.new_identifier.value}};
    out.push_back(delivery_to(*hook, t, webhook_json(body)));
  }
  return out;
}

std::string plane::add_webhook(std::string_view slug, const webhook_settings& s) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  for (const row* w : in.workspaces.of(""))
    if (text_of(*w, "slug") == slug) {
      const std::string id = in.new_id();
      in.webhooks.add(row{{"id", id},
                          {"url", s.url},
                          {"created_at", in.stamp()},
                          {"updated_at", in.stamp()},
                          {"deleted_at", nullptr},
                          {"is_active", s.is_active},
                          {"secret_key", s.signing_secret.reveal()},
                          {"project", s.project},
                          {"issue", s.issue},
                          {"module", s.module},
                          {"cycle", s.cycle},
                          {"issue_comment", s.issue_comment},
                          {"is_internal", false},
                          {"version", "v1"},
                          {"created_by", nullptr},
                          {"updated_by", nullptr},
                          {"workspace", w->at("id")}});
      return id;
    }
  throw std::invalid_argument("sandbox: no such workspace");
}

std::vector<webhook_delivery> plane::take_webhooks() {
  const std::scoped_lock held{impl_->lock};
  std::vector<webhook_delivery> out;
  for (const auto& task : impl_->queue)
    for (auto& d : impl_->deliveries_of(task)) out.push_back(std::move(d));
  impl_->queue.clear();
  return out;
}

std::vector<webhook_delivery> plane::take_due_webhooks() {
  const std::scoped_lock held{impl_->lock};
  auto& queue = impl_->queue;
  const timestamp now = impl_->clock.now();
  std::vector<webhook_task> due;
  for (const auto& t : queue)
    if (t.due <= now) due.push_back(t);
  std::erase_if(queue, [&](const webhook_task& t) { return t.due <= now; });
  std::stable_sort(due.begin(), due.end(),
                   [](const webhook_task& a, const webhook_task& b) { return a.due < b.due; });
  std::vector<webhook_delivery> out;
  for (const auto& task : due)
    for (auto& d : impl_->deliveries_of(task)) out.push_back(std::move(d));
  return out;
}

std::optional<timestamp> plane::next_webhook_due() const {
  const std::scoped_lock held{impl_->lock};
  std::optional<timestamp> next;
  for (const auto& t : impl_->queue) next = next ? std::min(*next, t.due) : t.due;
  return next;
}

webhook_delivery plane::renewed(webhook_delivery again) {
  const std::scoped_lock held{impl_->lock};
  for (auto& h : again.headers)
    if (h.name == "X-Plane-Delivery") h.value = impl_->new_id();
  return again;
}

void plane::deactivate_webhook(std::string_view webhook_id) {
  const std::scoped_lock held{impl_->lock};
  if (row* hook = impl_->webhooks.find(webhook_id)) (*hook)["is_active"] = false;
}

bool plane::webhook_is_active(std::string_view webhook_id) const {
  const std::scoped_lock held{impl_->lock};
  const row* hook = impl_->webhooks.find(webhook_id);
  return hook != nullptr && hook->at("is_active").as_bool();
}

bool plane::webhook_exists(std::string_view webhook_id) const {
  const std::scoped_lock held{impl_->lock};
  return impl_->webhooks.find(webhook_id) != nullptr;
}

void plane::log_webhook(const webhook_delivery& sent, int status) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  std::string headers = "{";
  for (const auto& h : sent.headers)
    if (h.name.starts_with("X-Plane") || h.name == "Content-Type" || h.name == "User-Agent")
      headers += (headers.size() > 1 ? ", '" : "'") + h.name + "': '" + h.value + "'";
  in.webhook_logs.push_back(row{{"id", in.new_id()},
                                {"created_at", in.stamp()},
                                {"updated_at", in.stamp()},
                                {"deleted_at", nullptr},
                                {"webhook", sent.webhook_id},
                                {"event_type", sent.event},
                                {"request_method", sent.action},
                                {"request_headers", headers + "}"},
                                {"request_body", sent.body},
                                {"response_status", std::to_string(status)},
                                {"response_headers", "{}"},
                                {"response_body", ""},
                                {"retry_count", 0},
                                {"created_by", nullptr},
                                {"updated_by", nullptr},
                                {"workspace", sent_to(in, sent)}});
  if (in.webhook_logs.size() > logs_kept) in.webhook_logs.pop_front();
}

}  // namespace pb::sandbox

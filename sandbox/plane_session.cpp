// sandbox: what only the page's session API has: archiving, bulk delete, and the webhook settings,
// for which REST has no way (contract 1.13).
#include <boost/json/array.hpp>

#include "sandbox/json_text.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

bool private_address(std::string_view host) {
  return host.starts_with("10.") || host.starts_with("192.168.") || host.starts_with("172.16.") ||
         host.starts_with("169.254.");
}

std::vector<field_rule> flags() {
  std::vector<field_rule> rules;
  for (const std::string_view name :
       {"project", "issue", "module", "cycle", "issue_comment", "is_active"})
    rules.push_back({.name = name, .is = kind::flag});
  return rules;
}

}  // namespace

std::string_view host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  return rest;
}

answer plane::impl::item_archive(call& c) {
  row* item = items.find(c.ids.front());
  if (item == nullptr || text_of(*item, "project") != c.project_id()) return not_found();
  const std::string id = text_of(*item, "id");
  if (c.method() == "DELETE") {
    (*item)["archived_at"] = nullptr;
    touch(*item, c);
    if (old()) announce(c, "issue", "updated", id, {"archived_at", "archive", "restore"});
    return empty_reply(204);
  }
  const row* state = states.find_any(text_of(*item, "state"));
  const std::string group = state == nullptr ? "" : text_of(*state, "group");
  if (group != "completed" && group != "cancelled")
    return error_reply(400, "Can only archive completed or cancelled state group issue");
  (*item)["archived_at"] = stamp().substr(0, 10);
  touch(*item, c);
  if (old()) announce(c, "issue", "updated", id, {"archived_at", {}, "manual_archive"});
  return reply(200, row{{"archived_at", item->at("archived_at")}});
}

answer plane::impl::bulk_delete(call& c) {
  int deleted = 0;
  for (const auto& one : list_of(c.body, "issue_ids")) {
    row* item = one.is_string() ? items.find(one.get_string()) : nullptr;
    if (item == nullptr || text_of(*item, "project") != c.project_id()) continue;
    items.remove(*item, stamp());
    forget_item(text_of(*item, "id"));
    ++deleted;
  }
  if (deleted == 0) return error_reply(400, "Issue IDs are required");
  return reply(200, row{{"message", std::to_string(deleted) + " issues were deleted"}});
}

answer plane::impl::check_webhook_url(const std::string& url, const call& c) {
  const std::string_view host = host_of(url);
  json::array wrong;
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    wrong.emplace_back("Invalid schema. Only HTTP and HTTPS are allowed.");
  if (host == "localhost" || host == "127.0.0.1") wrong.emplace_back("Local URLs are not allowed.");
  if (host.empty() || url.size() > 1024) wrong.emplace_back("Enter a valid URL.");
  if (!wrong.empty()) return reply(400, row{{"url", std::move(wrong)}});
  std::string_view own;
  for (const auto& h : c.in->headers)
    if (protocol::iequals(h.name, "Host")) own = h.value;
  if (private_address(host) || (!own.empty() && host == own))
    return reply(400, row{{"url", "Invalid or disallowed webhook URL."}});
  return {};
}

answer plane::impl::webhook_list(call& c) {
  if (workspace_roles[c.workspace_id()][c.user_id()] < 20) return forbidden();
  if (c.method() == "GET") {
    json::array out;
    for (const row* hook : newest_first(webhooks.of(c.workspace_id()))) out.push_back(*hook);
    return reply(200, out);
  }
  const std::string url = text_of(c.body, "url");
  if (answer refused = check_webhook_url(url, c); refused.status != 0) return refused;
  for (const row* hook : webhooks.of(c.workspace_id()))
    if (text_of(*hook, "url") == url)
      return error_reply(409, "URL already exists for the workspace");
  std::string key = "plane_wh_" + new_id();
  std::erase(key, '-');
  row hook{{"id", new_id()},
           {"url", url},
           {"created_at", stamp()},
           {"updated_at", stamp()},
           {"deleted_at", nullptr},
           {"is_active", true},
           {"secret_key", key},
           {"project", false},
           {"issue", false},
           {"module", false},
           {"cycle", false},
           {"issue_comment", false},
           {"is_internal", false},
           {"version", "v1"},
           {"created_by", c.user_id()},
           {"updated_by", nullptr},
           {"workspace", c.workspace_id()}};
  auto in = check_fields(c.body, flags(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  assign(hook, in.values);
  return reply(201, webhooks.add(std::move(hook)));
}

answer plane::impl::webhook_one(call& c) {
  row* hook = webhooks.find(c.ids.front());
  if (hook == nullptr || text_of(*hook, "workspace") != c.workspace_id()) return not_found();
  if (c.method() == "GET") return reply(200, *hook);
  if (c.method() == "DELETE") {
    webhooks.remove(*hook, stamp());
    return empty_reply(204);
  }
  auto in = check_fields(c.body, flags(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (const std::string url = text_of(c.body, "url"); !url.empty()) {
    if (answer refused = check_webhook_url(url, c); refused.status != 0) return refused;
    (*hook)["url"] = url;
  }
  assign(*hook, in.values);
  touch(*hook, c);
  return reply(200, *hook);
}

answer plane::impl::webhook_regenerate(call& c) {
  row* hook = webhooks.find(c.ids.front());
  if (hook == nullptr) return not_found();
  std::string key = "plane_wh_" + new_id();
  std::erase(key, '-');
  (*hook)["secret_key"] = key;
  touch(*hook, c);
  return reply(200, *hook);
}

answer plane::impl::webhook_log_list(call& c) {
  json::array out;
  for (auto it = webhook_logs.rbegin(); it != webhook_logs.rend(); ++it)
    if (text_of(*it, "webhook") == c.ids.front()) out.push_back(*it);
  return reply(200, out);
}

}  // namespace pb::sandbox

#include "sandbox/seed.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

namespace pb::sandbox {
namespace {
namespace json = boost::json;

/// One request over the session API: seeding must not use up the key's request budget.
json::value ask(plane& p, const seeded& s, std::string method, const std::string& path,
                const json::object& body = {}) {
  inbound in;
  in.method = std::move(method);
  in.path = "/api/workspaces/" + s.workspace_slug + "/" + path;
  in.headers = {{"Cookie", "session-id=" + s.session, true}, {"Content-Type", "application/json"}};
  if (in.method != "GET") in.body = json::serialize(body);
  const auto answer = p.handle(in);
  if (answer.status >= 300) throw std::logic_error("sandbox: seeding was refused: " + answer.body);
  return answer.body.empty() ? json::value{} : json::parse(answer.body);
}

std::string id_of(const json::value& v) { return std::string{v.at("id").as_string()}; }

struct item {
  const char* name;
  const char* state;
  const char* priority;
  const char* start;
  const char* target;
  const char* html;
};

seeded_project make_project(plane& p, const seeded& s, const char* name, const char* identifier,
                            std::initializer_list<item> items) {
  seeded_project out;
  out.name = name;
  out.identifier = identifier;
  out.id = id_of(ask(p, s, "POST", "projects/", {{"name", name}, {"identifier", identifier}}));
  p.add_project_member(out.id, s.colleague_id, 15);
  const std::string base = "projects/" + out.id + "/";
  const auto bug =
      id_of(ask(p, s, "POST", base + "labels/", {{"name", "bug"}, {"color", "#d73a4a"}}));
  const auto feature =
      id_of(ask(p, s, "POST", base + "labels/", {{"name", "需求"}, {"color", "#0e8a16"}}));
  const auto states = ask(p, s, "GET", base + "states/");
  std::size_t n = 0;
  for (const auto& i : items) {
    json::object body{{"name", i.name}, {"priority", i.priority}};
    if (i.start != nullptr) body["start_date"] = i.start;
    if (i.target != nullptr) body["target_date"] = i.target;
    if (i.html != nullptr) body["description_html"] = i.html;
    for (const auto& state : states.at("results").as_array())
      if (state.at("name") == i.state) body["state_id"] = state.at("id");
    body["assignee_ids"] =
        n % 2 == 0 ? json::array{s.owner_id} : json::array{s.owner_id, s.colleague_id};
    body["label_ids"] = json::array{n % 3 == 0 ? bug : feature};
    out.item_ids.push_back(id_of(ask(p, s, "POST", base + "issues/", body)));
    ++n;
  }
  return out;
}

}  // namespace

seeded seed_empty(plane& p, const secret& api_key) {
  seeded s;
  s.workspace_slug = "demo";
  s.workspace_id = p.add_workspace(s.workspace_slug, "Demo");
  s.owner_id = p.add_user({"Sandbox", "Owner", "owner@sandbox.example.test", "sandbox.owner"});
  s.colleague_id =
      p.add_user({"Sandbox", "Member", "member@sandbox.example.test", "sandbox.member"});
  p.add_workspace_member(s.workspace_slug, s.owner_id, 20);
  p.add_workspace_member(s.workspace_slug, s.colleague_id, 15);
  p.add_token(s.owner_id, api_key);
  s.session = p.open_session(s.owner_id);
  return s;
}

seeded seed_demo(plane& p, const secret& api_key) {
  seeded s = seed_empty(p, api_key);
  const std::string long_name =
      "A name as long as people write them when the title has to carry the whole story, "
      "because nobody reads descriptions on a phone, and calendars fold such lines at 75 octets";
  s.projects.push_back(
      make_project(p, s, "官网改版 Website", "WEB",
                   {{"设计首页初稿", "In Progress", "high", "2026-12-01", "2026-12-04",
                     "<p>按<strong>新品牌</strong>的颜色。</p><ul><li>桌面</li><li>手机</li></ul>"},
                    {"上线前检查清单 ✅", "Todo", "urgent", nullptr, "2026-12-18", nullptr},
                    {"闰日测试：合同到期", "Backlog", "medium", nullptr, "2028-02-29", nullptr},
                    {"Collect ideas, no date yet", "Backlog", "none", nullptr, nullptr, nullptr},
                    {"发布会 🎉 Launch party", "Todo", "low", "2026-12-30", "2027-01-02",
                     "<p>跨年：开始和结束不在同一年。</p>"}}));
  s.projects.push_back(
      make_project(p, s, "Operations", "OPS",
                   {{long_name.c_str(), "Todo", "medium", nullptr, "2027-01-15", nullptr},
                    {"Renew certificates; commas, semicolons\\and backslashes", "Done", "high",
                     nullptr, "2026-11-30", nullptr},
                    {"Cancelled move of the server room", "Cancelled", "none", nullptr,
                     "2027-03-01", nullptr}}));
  (void)p.take_webhooks();
  return s;
}

}  // namespace pb::sandbox

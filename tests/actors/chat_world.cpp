#include "chat_world.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "actors/runtime.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/intake.hpp"

namespace pb::test {
namespace json = boost::json;
using namespace std::chrono_literals;

protocol::http_response chat_server::handle(const protocol::http_request& r) {
  protocol::http_response a;
  a.status = 200;
  a.headers.push_back({"Content-Type", "application/json"});
  const auto ok = [&](json::object data) {
    a.body = json::serialize(json::object{{"code", 0}, {"msg", "success"}, {"data", data}});
    return a;
  };
  const std::string_view prefix = "/open-apis/im/v1/messages";
  const auto path = r.url.substr(std::string_view{origin}.size());
  if (r.method != "POST" || !path.starts_with(prefix)) return ok({});
  const auto body = json::parse(r.body).as_object();
  if (path.ends_with("/reactions")) return ok({{"reaction_id", "r1"}});
  message m;
  if (const auto end = path.rfind("/reply"); end != std::string::npos)
    m.root = path.substr(prefix.size() + 1, end - prefix.size() - 1);
  const auto text = [&](const char* key) {
    const auto* v = body.if_contains(key);
    return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
  };
  m.type = text("msg_type");
  m.content = text("content");
  m.uuid = text("uuid");
  auto known = m.uuid.empty() ? by_uuid_.end() : by_uuid_.find(m.uuid);
  if (known == by_uuid_.end()) {
    m.id = "om_bot" + std::to_string(messages.size() + 1);
    if (!m.uuid.empty()) by_uuid_.emplace(m.uuid, messages.size());
    messages.push_back(m);
  } else {
    m = messages[known->second];
  }
  json::object data{{"message_id", m.id},
                    {"chat_id", chat_world::chat_id},
                    {"msg_type", m.type},
                    {"create_time", "1795000000000"},
                    {"body", {{"content", m.content}}},
                    {"sender",
                     {{"id", "cli_a7f3c0d2e5b8100c"},
                      {"id_type", "app_id"},
                      {"sender_type", "app"},
                      {"tenant_key", "1a2b3c4d5e6f7081"}}}};
  if (!m.root.empty()) data["root_id"] = data["parent_id"] = m.root;
  return ok(std::move(data));
}

std::size_t chat_server::saying(std::string_view text) const {
  return static_cast<std::size_t>(
      std::count_if(messages.begin(), messages.end(),
                    [&](const message& m) { return m.content.find(text) != std::string::npos; }));
}

namespace {

struct told_desk final : actors::facts_desk {
  explicit told_desk(std::function<actors::fact_answer(const sync::need&)> how)
      : tell(std::move(how)) {}
  void ask(const sync::need& what, actors::urgency,
           std::function<void(actors::fact_answer)> done) override {
    done(tell(what));
  }
  void forget(const sync::need&) override {}
  std::function<actors::fact_answer(const sync::need&)> tell;
};

}  // namespace

chat_world::chat_world(std::uint64_t seed) : world(seed) {
  settings.calendar.url.clear();
  tune = [](actors::options& o) {
    o.lark_on = true;
    o.conversations.language = "en";
    o.conversations.origins = {"http://plane.test"};
  };
  hosts[chat_server::origin] = [this](const auto& r) { return chat.handle(r); };
  leg = [this] { return travel; };
  on_call = [this](const protocol::http_request& r) {
    const bool waits = !slow.empty() && r.url.find(slow) != std::string::npos;
    travel = waits ? milliseconds{1'000} : milliseconds{5};
  };
  assemble = [this](actors::runtime_parts& p) {
    p.lark = [] {
      actors::connector_policy c;
      c.name = "lark";
      return c;
    };
    auto made = std::make_shared<actors::chat_calls>();
    made->api.base_url = chat_server::origin;
    made->app_id = "cli_a7f3c0d2e5b8100c";
    p.chat = made;
    p.facts = std::make_shared<told_desk>([this](const sync::need& n) { return answer(n); });
  };
}

actors::fact_answer chat_world::answer(const sync::need& n) {
  using kind = sync::need::kind;
  actors::fact_answer a;
  a.what = n;
  protocol::plane::project web;
  web.id = project;
  web.name = "Website";
  web.identifier = "WEB";
  switch (n.what) {
    case kind::bot:
      a.found.bot = bot;
      break;
    case kind::chat: {
      sync::chat_facts c;
      c.id = n.key;
      c.name = "Team";
      a.found.chats[n.key] = c;
      break;
    }
    case kind::channels: {
      sync::channel_mapping m;
      m.chat = chat_id;
      m.project = project;
      m.is_default = true;
      m.announce_projects = true;
      a.found.channels[n.key] = {m};
      break;
    }
    case kind::person: {
      sync::person_facts p;
      p.open_id = n.key;
      p.name = "Li Lei";
      p.plane_user = plane_user.empty() ? seeds().owner_id : plane_user;
      p.own_key = has_own_key;
      a.found.people[n.key] = p;
      break;
    }
    case kind::project: {
      sync::project_facts f;
      f.project = web;
      sync::project_facts::member owner;
      owner.user.id = plane_user.empty() ? seeds().owner_id : plane_user;
      owner.user.display_name = "Owner";
      owner.open_id = person;
      f.members.push_back(owner);
      a.found.projects[n.key] = f;
      break;
    }
    case kind::projects:
      a.found.all_projects = {web};
      break;
    case kind::item: {
      const auto slash = n.key.rfind('/');
      sync::item_fact f;
      if (slash != std::string::npos) {
        f.how = sync::item_fact::found::yes;
        f.view.id = n.key.substr(slash + 1);
        f.view.project = project;
        f.view.identifier = "WEB";
        f.view.sequence = 1;
        f.view.name = "Login page is blank";
        f.view.url = link_of(f.view.id);
      }
      a.found.items[n.key] = f;
      break;
    }
    case kind::receipt: {
      const auto colon = n.key.find(':');
      auto row = receipt(n.key.substr(0, colon), n.key.substr(colon + 1));
      auto& entry = a.found.receipts[n.key];
      if (row) entry = sync::receipt_fact{row->entity.text(), row->remote_id};
      break;
    }
    case kind::place:
      a.found.places[n.key] = "";
      break;
    case kind::quoted:
      a.found.quoted[n.key] = "";
      break;
  }
  return a;
}

std::string chat_world::say(const std::string& text, const std::string& root, bool to_bot) {
  const auto id = "om_person" + std::to_string(++said_);
  const auto ms = std::to_string(to_micros(now()) / 1000);
  json::object message{{"message_id", id},   {"create_time", ms},    {"update_time", ms},
                       {"chat_id", chat_id}, {"chat_type", "group"}, {"message_type", "text"}};
  const std::string shown = to_bot ? "@_user_1 " + text : text;
  message["content"] = json::serialize(json::object{{"text", shown}});
  if (to_bot)
    message["mentions"] = json::array{json::object{{"key", "@_user_1"},
                                                   {"id", {{"open_id", bot}}},
                                                   {"mentioned_type", "bot"},
                                                   {"name", "PlaneBridge"},
                                                   {"tenant_key", "t"}}};
  if (!root.empty()) message["root_id"] = message["parent_id"] = root;
  push(json::serialize(
      json::object{{"schema", "2.0"},
                   {"header",
                    {{"event_id", "e-" + id},
                     {"event_type", "im.message.receive_v1"},
                     {"create_time", ms},
                     {"token", "vt"},
                     {"app_id", "cli_a7f3c0d2e5b8100c"},
                     {"tenant_key", "t"}}},
                   {"event",
                    {{"sender", {{"sender_id", {{"open_id", person}}}, {"sender_type", "user"}}},
                     {"message", message}}}}));
  return id;
}

void chat_world::push(const std::string& body) {
  const auto e = protocol::lark::parse_event(body);
  if (!e) throw std::logic_error(describe(e.error()));
  const auto in = protocol::lark::take_in(*e, body);
  for (int tries = 0; tries < 5; ++tries) {
    bool taken = false;
    if (running()) {
      persistence::delivery_append d;
      d.row.tenant = "default";
      d.row.source = "lark";
      d.row.form = std::string{protocol::lark::event_form};
      d.row.event = in.event;
      d.row.entity = in.entity;
      d.row.body = std::make_shared<const std::string>(in.body);
      d.row.received_at = now();
      d.identities = in.identities;
      inbox().accept(std::move(d), [&](const result<http::acceptance>& r) { taken = bool(r); });
    }
    run_for(1ms);
    if (taken) return;
    run_for(15s);
    if (!running()) start();
  }
  throw std::logic_error("the push was never taken");
}

std::string chat_world::link_of(const std::string& item) const {
  return "http://plane.test/" + seeds().workspace_slug + "/projects/" + project + "/issues/" + item;
}

void chat_world::comment_in_plane(const std::string& item, const std::string& html) {
  page("POST", "projects/" + project + "/issues/" + item + "/comments/",
       json::serialize(json::object{{"comment_html", html}}));
}

std::size_t chat_world::comments_with(const std::string& item, std::string_view text) {
  const auto all =
      json::parse(page("GET", "projects/" + project + "/issues/" + item + "/comments/").body);
  const auto& list = all.is_array() ? all.as_array() : all.at("results").as_array();
  return static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [&](const auto& c) {
    return std::string_view{c.at("comment_html").as_string()}.find(text) != std::string_view::npos;
  }));
}

std::vector<persistence::link_row> chat_world::links_of(const std::string& item) {
  auto links = entity(item).links;
  std::erase_if(links, [](const auto& l) { return l.integration != "lark"; });
  return links;
}

}  // namespace pb::test

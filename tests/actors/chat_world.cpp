#include "chat_world.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "actors/runtime.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/intake.hpp"
#include "protocol/lark/pace.hpp"
#include "protocol/plane/parse.hpp"

namespace pb::test {
namespace json = boost::json;
using namespace std::chrono_literals;

json::object chat_server::shown(const message& m) const {
  json::object o{{"message_id", m.id},
                 {"chat_id", chat_world::chat_id},
                 {"msg_type", m.type},
                 {"create_time", std::to_string(to_micros(m.at) / 1000)},
                 {"body", {{"content", m.content}}},
                 {"sender",
                  {{"id", "cli_a7f3c0d2e5b8100c"},
                   {"id_type", "app_id"},
                   {"sender_type", "app"},
                   {"tenant_key", "1a2b3c4d5e6f7081"}}}};
  if (!m.root.empty()) {
    o["root_id"] = m.root;
    o["parent_id"] = m.root;
    o["thread_id"] = "omt_" + m.root;
  }
  return o;
}

bool chat_server::is_topic(const std::string& root) const {
  return std::any_of(messages.begin(), messages.end(),
                     [&](const message& m) { return m.root == root; });
}

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
  ++calls;
  if (const auto at = path.find("/resources/"); r.method == "GET" && at != std::string::npos) {
    const auto said = path.substr(prefix.size() + 1, at - prefix.size() - 1);
    const auto key = path.substr(at + 11, path.find('?') - at - 11);
    const auto found = files.find(said + "/" + key);
    a.headers = {{"Content-Type", "application/octet-stream"}};
    if (found != files.end()) {
      a.body = found->second;
      return a;
    }
    a.status = 400;
    a.headers = {{"Content-Type", "application/json"}};
    a.body = R"({"code":230011,"msg":"The message was recalled."})";
    return a;
  }
  if (r.method == "PATCH" && path.starts_with(prefix)) {
    const auto body = json::parse(r.body);
    updates.push_back({.id = path.substr(prefix.size() + 1),
                       .content = std::string{body.at("content").as_string()}});
    return ok({});
  }
  if (r.method == "GET" && path.starts_with(prefix)) {
    json::array items;
    if (path.size() > prefix.size() && path[prefix.size()] == '/') {  // what a person said
      message root{.id = path.substr(prefix.size() + 1, path.find('?') - prefix.size() - 1),
                   .type = "text",
                   .content = "{}"};
      auto one = shown(root);
      if (is_topic(root.id)) one["thread_id"] = "omt_" + root.id;
      items.push_back(std::move(one));
    } else {
      for (const auto& m : messages)
        if (m.root.empty() ? path.find("type=chat") != std::string::npos
                           : path.find("omt_" + m.root) != std::string::npos)
          items.push_back(shown(m));
    }
    return ok({{"items", std::move(items)}, {"has_more", false}});
  }
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
  m.chat = text("receive_id");
  auto known = m.uuid.empty() ? by_uuid_.end() : by_uuid_.find(m.uuid);
  m.at = clock();
  if (known == by_uuid_.end() || m.at - messages[known->second].at >= 1h) {
    m.id = "om_bot" + std::to_string(messages.size() + 1);
    if (!m.uuid.empty()) by_uuid_[m.uuid] = messages.size();
    messages.push_back(m);
  } else {
    m = messages[known->second];
  }
  return ok(shown(m));
}

std::size_t chat_server::saying(std::string_view text) const {
  return static_cast<std::size_t>(
      std::count_if(messages.begin(), messages.end(),
                    [&](const message& m) { return m.content.find(text) != std::string::npos; }));
}

const chat_server::message* chat_server::card_in(const std::string& root) const {
  const auto at = std::find_if(messages.rbegin(), messages.rend(), [&](const message& m) {
    return m.type == "interactive" && m.root == root;
  });
  return at == messages.rend() ? nullptr : &*at;
}

namespace {

/// What a component of the card sends back, found by what it does.
const json::object* value_in(const json::value& v, std::string_view what) {
  if (const auto* all = v.if_array()) {
    for (const auto& one : *all)
      if (const auto* found = value_in(one, what)) return found;
  } else if (const auto* o = v.if_object()) {
    if (const auto* value = o->if_contains("value"))
      if (const auto* inside = value->if_object())
        if (const auto* does = inside->if_contains("do");
            does != nullptr && does->is_string() && does->get_string() == what)
          return inside;
    for (const auto& [key, one] : *o)
      if (const auto* found = value_in(one, what)) return found;
  }
  return nullptr;
}

struct told_desk final : actors::facts_desk {
  void ask(const sync::need& what, actors::urgency,
           std::function<void(actors::fact_answer)> done) override {
    tell(what, std::move(done));
  }
  void forget(const sync::need&) override {}
  std::function<void(const sync::need&, std::function<void(actors::fact_answer)>)> tell;
};

}  // namespace

chat_world::chat_world(std::uint64_t seed, sandbox::plane_options plane_options)
    : world(seed, std::move(plane_options)) {
  settings.calendar.url.clear();
  tune = [](actors::options& o) {
    o.lark_on = true;
    o.conversations.language = "en";
    o.conversations.origins = {"http://plane.test"};
  };
  chat.clock = [this] { return now(); };
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
      c.parallel = [](const actors::options& o) { return o.lark_parallel; };
      c.again = [](const protocol::call& call, const auto& r, unsigned tries, double draw) {
        return protocol::lark::next_try(r ? &*r : nullptr, call, tries, draw);
      };
      return c;
    };
    auto made = std::make_shared<actors::chat_calls>();
    made->api.base_url = chat_server::origin;
    made->app_id = "cli_a7f3c0d2e5b8100c";
    p.chat = made;
    auto desk = std::make_shared<told_desk>();
    desk->tell = [this](const sync::need& n, std::function<void(actors::fact_answer)> done) {
      auto tell = [this, n, done = std::move(done)] { done(answer(n)); };
      if (hold_facts)
        held_.push_back(std::move(tell));
      else
        tell();
    };
    p.facts = std::move(desk);
  };
  const auto all = json::parse(page("GET", "projects/" + project + "/states/").body);
  for (const auto& s : (all.is_array() ? all : all.at("results")).as_array())
    states_.push_back({std::string{s.at("id").as_string()}, std::string{s.at("name").as_string()},
                       protocol::plane::state_group_from(s.at("group").as_string()).value()});
}

void chat_world::release_facts() {
  hold_facts = false;
  for (auto& tell : std::exchange(held_, {})) tell();
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
      m.chat = n.key;
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
      f.states = states_;
      sync::project_facts::member owner;
      owner.user.id = plane_user.empty() ? seeds().owner_id : plane_user;
      owner.user.display_name = "sandbox.owner";  // as Plane has it
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
      if (const auto whose = journaled_for("lark", protocol::lark::message_identity(n.key)))
        a.found.places[n.key] = whose->text();
      else
        a.found.places[n.key] = "";
      break;
    case kind::quoted:
      a.found.quoted[n.key] = "";
      break;
  }
  return a;
}

std::string chat_world::say(const std::string& text, const std::string& root, bool to_bot) {
  json::object message{{"message_type", "text"}};
  const std::string shown = to_bot ? "@_user_1 " + text : text;
  message["content"] = json::serialize(json::object{{"text", shown}});
  if (to_bot)
    message["mentions"] = json::array{json::object{{"key", "@_user_1"},
                                                   {"id", {{"open_id", bot}}},
                                                   {"mentioned_type", "bot"},
                                                   {"name", "PlaneBridge"},
                                                   {"tenant_key", "t"}}};
  return said_message(std::move(message), root);
}

std::string chat_world::say_file(const std::string& name, const std::string& bytes,
                                 const std::string& root, bool image) {
  const std::string id = "om_person" + std::to_string(said_ + 1);
  const std::string key = (image ? "img_" : "file_") + std::to_string(said_ + 1);
  chat.files[id + "/" + key] = bytes;
  json::object message{{"message_type", image ? "image" : "file"}};
  message["content"] =
      json::serialize(image ? json::object{{"image_key", key}}
                            : json::object{{"file_key", key}, {"file_name", name}});
  return said_message(std::move(message), root);
}

std::string chat_world::said_message(json::object message, const std::string& root) {
  const auto id = "om_person" + std::to_string(++said_);
  const auto ms = std::to_string(to_micros(now()) / 1000);
  const json::object common{{"message_id", id},
                            {"create_time", ms},
                            {"update_time", ms},
                            {"chat_id", chat_id},
                            {"chat_type", "group"}};
  for (const auto& [key, value] : common) message[key] = value;
  if (!root.empty()) {
    message["root_id"] = root;
    message["parent_id"] = root;
  }
  push_event("im.message.receive_v1", "e-" + id,
             {{"sender", {{"sender_id", {{"open_id", person}}}, {"sender_type", "user"}}},
              {"message", message}});
  return id;
}

void chat_world::push_event(const std::string& type, const std::string& id, json::object event) {
  push(json::serialize(json::object{{"schema", "2.0"},
                                    {"header",
                                     {{"event_id", id},
                                      {"event_type", type},
                                      {"create_time", std::to_string(to_micros(now()) / 1000)},
                                      {"token", "vt"},
                                      {"app_id", "cli_a7f3c0d2e5b8100c"},
                                      {"tenant_key", "t"}}},
                                    {"event", std::move(event)}}));
}

void chat_world::click(const chat_server::message& card, const std::string& what,
                       const std::string& option, unsigned times) {
  const auto content = json::parse(card.content);
  const auto* value = value_in(content, what);
  if (value == nullptr) throw std::logic_error("the card does not do " + what);
  for (; times > 0; --times) {
    const auto id = "e-click" + std::to_string(++done_);
    push_event("card.action.trigger", id,
               {{"operator", {{"tenant_key", "t"}, {"open_id", person}}},
                {"token", "c-" + id},
                {"action", {{"value", *value}, {"tag", "select_static"}, {"option", option}}},
                {"host", "im_message"},
                {"context", {{"open_message_id", card.id}, {"open_chat_id", chat_id}}}});
  }
}

void chat_world::recall(const std::string& message) {
  push_event("im.message.recalled_v1", "e-recall" + std::to_string(++done_),
             {{"message_id", message},
              {"chat_id", chat_id},
              {"recall_time", std::to_string(to_micros(now()) / 1000)},
              {"recall_type", "message_owner"}});
}

void chat_world::dissolve() {
  push_event("im.chat.disbanded_v1", "e-dissolved",
             {{"chat_id", chat_id},
              {"operator_id", {{"open_id", person}}},
              {"external", false},
              {"operator_tenant_key", "t"},
              {"name", "Team"}});
}

void chat_world::map_channel(const std::string& group, const std::string& options) {
  persistence::write unit;
  unit.channel_mappings.push_back(
      {.chat = group, .project = project, .options = options, .changed_at = now()});
  auto r = persistence::submit_and_wait(store(), std::move(unit));
  if (!r) throw std::logic_error(describe(r.error()));
}

std::string chat_world::state_id(const std::string& name) const {
  for (const auto& s : states_)
    if (s.name == name) return s.id;
  throw std::logic_error("no state " + name);
}

std::string chat_world::state_of(const std::string& item) {
  const auto is = json::parse(page("GET", "projects/" + project + "/issues/" + item + "/").body);
  return std::string{is.at("state_id").as_string()};
}

std::vector<std::string> chat_world::items_named(const std::string& name) {
  const auto all = json::parse(page("GET", "projects/" + project + "/issues/").body);
  std::vector<std::string> out;
  for (const auto& i : (all.is_array() ? all : all.at("results")).as_array())
    if (i.at("name").as_string() == name) out.emplace_back(i.at("id").as_string());
  return out;
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

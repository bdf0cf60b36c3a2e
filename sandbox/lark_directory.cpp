// sandbox: people and chats of the in-memory Lark, as the app may look them up.
#include <algorithm>
#include <stdexcept>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

row status_of(const person_row& p) {
  return row{{"is_activated", !p.resigned},
             {"is_exited", false},
             {"is_frozen", p.resigned},
             {"is_resigned", p.resigned},
             {"is_unjoin", false}};
}

std::string id_as(const person_row& p, std::string_view id_type) {
  if (id_type == "union_id") return p.union_id;
  if (id_type == "user_id") return p.user_id;
  return p.open_id;
}

}  // namespace

person_row* lark::impl::person(std::string_view id, std::string_view id_type) {
  const auto found = std::ranges::find_if(people, [&](const person_row& p) {
    return !id.empty() && (id_type == "email" ? p.email == id : id_as(p, id_type) == id);
  });
  return found == people.end() ? nullptr : &*found;
}

chat_row* lark::impl::chat(std::string_view id) {
  const auto found = std::ranges::find(chats, id, &chat_row::id);
  return found == chats.end() ? nullptr : &*found;
}

chat_row& lark::impl::chat_with(person_row& p) {
  for (auto& c : chats)
    if (c.form == chat_form::p2p && c.members.front() == p.open_id) return c;
  chat_row c;
  c.id = "oc_" + hex(32);
  c.name = p.name;
  c.form = chat_form::p2p;
  c.members = {p.open_id};
  chats.push_back(std::move(c));
  changed();
  return chats.back();
}

row lark::impl::id_object(const person_row& p) const {
  return row{{"union_id", p.union_id}, {"user_id", p.user_id}, {"open_id", p.open_id}};
}

row lark::impl::sender_object(const message_row& m) const {
  const bool app = m.by.empty();
  return row{{"id", app ? options.app_id : m.by},
             {"id_type", app ? "app_id" : "open_id"},
             {"sender_type", app ? "app" : "user"},
             {"tenant_key", options.tenant_key}};
}

row lark::impl::mention_object(const mention_row& m, bool rest) const {
  const bool bot = m.open_id == options.bot_open_id;
  const auto found = std::ranges::find(people, m.open_id, &person_row::open_id);
  const bool known = found != people.end();
  const std::string name = bot ? options.app_name : known ? found->name : "";
  if (rest)
    return row{{"key", m.key},
               {"id", m.open_id},
               {"id_type", "open_id"},
               {"name", name},
               {"tenant_key", options.tenant_key}};
  const row id =
      known
          ? id_object(*found)
          : row{{"union_id", "on_" + m.open_id.substr(std::min<std::size_t>(3, m.open_id.size()))},
                {"user_id", ""},
                {"open_id", m.open_id}};
  return row{{"key", m.key},
             {"id", id},
             {"mentioned_type", bot ? "bot" : "user"},
             {"name", name},
             {"tenant_key", options.tenant_key}};
}

answer lark::impl::chat_get(lark_call& c) {
  const chat_row* found = chat(c.ids[0]);
  if (found == nullptr) return refuse(232006);
  if (found->dissolved) return refuse(232009);
  if (!found->bot) return refuse(230002);
  row data{{"name", found->name},
           {"description", ""},
           {"owner_id", found->owner},
           {"owner_id_type", "open_id"},
           {"chat_mode", found->form == chat_form::topic ? "topic"
                         : found->form == chat_form::p2p ? "p2p"
                                                         : "group"}};
  if (found->form == chat_form::group) data["group_message_type"] = "chat";
  data["chat_type"] = "private";
  data["chat_tag"] = "inner";
  data["external"] = found->external;
  data["tenant_key"] = options.tenant_key;
  data["user_count"] = std::to_string(found->members.size());
  data["bot_count"] = "1";
  return ok(std::move(data));
}

answer lark::impl::ids_of_people(lark_call& c) {
  const json::array emails = list_of(c.body, "emails"), mobiles = list_of(c.body, "mobiles");
  if (emails.size() > 50 || mobiles.size() > 50) return refuse(230001, "at most 50 of each");
  const std::string id_type = c.param("user_id_type").empty() ? "open_id" : c.param("user_id_type");
  const bool resigned = true_in(c.body, "include_resigned");
  json::array out;
  const auto look = [&](const json::array& wanted, std::string_view key,
                        std::string person_row::*column) {
    for (const auto& v : wanted) {
      row line{{key, v}};
      const std::string text = v.is_string() ? std::string{v.get_string()} : "";
      const auto found = std::ranges::find_if(people, [&](const person_row& p) {
        return !text.empty() && p.*column == text && p.visible && (resigned || !p.resigned);
      });
      if (found != people.end()) {
        line["user_id"] = id_as(*found, id_type);
        line["status"] = status_of(*found);
      }
      out.push_back(std::move(line));
    }
  };
  look(emails, "email", &person_row::email);
  look(mobiles, "mobile", &person_row::mobile);
  return ok(row{{"user_list", std::move(out)}});
}

row lark::impl::person_view(const person_row& p) const {
  row out{{"union_id", p.union_id}, {"user_id", p.user_id}, {"open_id", p.open_id}};
  // A missing scope means a silently missing field.
  if (!options.missing_scopes.contains("contact:user.base:readonly")) {
    out["name"] = p.name;
    out["en_name"] = p.en_name;
    out["nickname"] = "";
    out["avatar"] =
        row{{"avatar_72", ""}, {"avatar_240", ""}, {"avatar_640", ""}, {"avatar_origin", ""}};
  }
  if (!options.missing_scopes.contains("contact:user.email:readonly")) out["email"] = p.email;
  if (!options.missing_scopes.contains("contact:user.phone:readonly") && !p.mobile.empty())
    out["mobile"] = p.mobile;
  out["mobile_visible"] = false;
  out["gender"] = 0;
  out["status"] = status_of(p);
  out["department_ids"] = json::array{"od-4e6ac4d14bcd5071a37a39de902c7141"};
  out["is_tenant_manager"] = false;
  out["join_time"] = 1'700'000'000;
  return out;
}

answer lark::impl::person_get(lark_call& c) {
  const std::string id_type = c.param("user_id_type").empty() ? "open_id" : c.param("user_id_type");
  const person_row* p = person(c.ids[0], id_type);
  if (p == nullptr) return refuse(id_type == "open_id" ? 99992361 : 230001);
  if (!p->visible) return refuse(41050);
  return ok(row{{"user", person_view(*p)}});
}

answer lark::impl::people_get(lark_call& c) {
  const std::string id_type = c.param("user_id_type").empty() ? "open_id" : c.param("user_id_type");
  json::array out;
  std::size_t asked = 0;
  for (const auto& [key, id] : c.query) {
    if (key != "user_ids") continue;
    if (++asked > 50) return refuse(230001, "at most 50 ids");
    if (const person_row* p = person(id, id_type); p != nullptr && p->visible)
      out.push_back(person_view(*p));
  }
  return ok(row{{"items", std::move(out)}});
}

std::string lark::add_person(const lark_person& p) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  person_row r;
  r.open_id = p.open_id.empty() ? "ou_" + in.hex(32) : p.open_id;
  r.union_id = "on_" + in.hex(32);
  r.user_id = in.hex(8);
  r.name = p.name;
  r.en_name = p.en_name;
  r.email = p.email;
  r.mobile = p.mobile;
  r.visible = p.contact_visible;
  in.people.push_back(r);
  in.changed();
  return r.open_id;
}

std::string lark::add_chat(const lark_chat& c) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  chat_row r;
  r.id = c.chat_id.empty() ? "oc_" + in.hex(32) : c.chat_id;
  r.name = c.name;
  r.form = c.topic_group ? chat_form::topic : chat_form::group;
  r.external = c.external;
  r.bot = c.bot;
  r.members = c.members;
  r.owner = c.members.empty() ? "" : c.members.front();
  for (const auto& m : c.members)
    if (in.person(m) == nullptr) throw std::invalid_argument("sandbox: no such person");
  in.chats.push_back(r);
  in.changed();
  return r.id;
}

std::string lark::private_chat(std::string_view open_id) {
  const std::scoped_lock held{impl_->lock};
  person_row* p = impl_->person(open_id);
  if (p == nullptr) throw std::invalid_argument("sandbox: no such person");
  return impl_->chat_with(*p).id;
}

void lark::set_external(std::string_view id, bool external) {
  const std::scoped_lock held{impl_->lock};
  chat_row* c = impl_->chat(id);
  if (c == nullptr) throw std::invalid_argument("sandbox: no such chat");
  c->external = external;
  impl_->changed();
  impl_->push_event("im.chat.updated_v1", row{{"chat_id", c->id}, {"external", external}}, c->id);
}

void lark::add_member(std::string_view id, std::string_view open_id) {
  const std::scoped_lock held{impl_->lock};
  chat_row* c = impl_->chat(id);
  const person_row* p = impl_->person(open_id);
  if (c == nullptr || p == nullptr) throw std::invalid_argument("sandbox: no such chat or person");
  if (std::ranges::find(c->members, p->open_id) != c->members.end()) return;
  c->members.push_back(p->open_id);
  impl_->changed();
  impl_->tell_member(*c, *p, true);
}

void lark::remove_member(std::string_view id, std::string_view open_id) {
  const std::scoped_lock held{impl_->lock};
  chat_row* c = impl_->chat(id);
  const person_row* p = impl_->person(open_id);
  if (c == nullptr || p == nullptr) throw std::invalid_argument("sandbox: no such chat or person");
  if (std::erase(c->members, p->open_id) == 0) return;
  impl_->changed();
  impl_->tell_member(*c, *p, false);
}

void lark::add_bot(std::string_view id, std::string_view by) {
  const std::scoped_lock held{impl_->lock};
  chat_row* c = impl_->chat(id);
  if (c == nullptr) throw std::invalid_argument("sandbox: no such chat");
  c->bot = true;
  impl_->changed();
  impl_->tell_bot_membership(*c, by, true);
}

void lark::remove_bot(std::string_view id, std::string_view by) {
  const std::scoped_lock held{impl_->lock};
  chat_row* c = impl_->chat(id);
  if (c == nullptr) throw std::invalid_argument("sandbox: no such chat");
  c->bot = false;
  impl_->changed();
  impl_->tell_bot_membership(*c, by, false);
}

void lark::dissolve(std::string_view id, std::string_view by) {
  const std::scoped_lock held{impl_->lock};
  chat_row* c = impl_->chat(id);
  if (c == nullptr) throw std::invalid_argument("sandbox: no such chat");
  const person_row* p = impl_->person(by);
  c->dissolved = true;
  impl_->changed();
  row event{{"chat_id", c->id}};
  if (p != nullptr) event["operator_id"] = impl_->id_object(*p);
  event["external"] = c->external;
  event["operator_tenant_key"] = impl_->options.tenant_key;
  event["name"] = c->name;
  impl_->push_event("im.chat.disbanded_v1", std::move(event), c->id);
}

void lark::leave_company(std::string_view open_id) {
  const std::scoped_lock held{impl_->lock};
  person_row* p = impl_->person(open_id);
  if (p == nullptr) throw std::invalid_argument("sandbox: no such person");
  p->resigned = true;
  for (auto& c : impl_->chats)
    if (c.form != chat_form::p2p) std::erase(c.members, p->open_id);
  impl_->changed();
  row gone = impl_->id_object(*p);
  gone["name"] = p->name;
  gone["email"] = p->email;
  impl_->push_event(
      "contact.user.deleted_v3",
      row{{"object", std::move(gone)},
          {"old_object", row{{"open_id", p->open_id}, {"department_ids", json::array{}}}}},
      p->open_id);
}

}  // namespace pb::sandbox

// sandbox: users and members (contract 3.1). The lists are plain arrays, newest member first.
#include <boost/json/array.hpp>

#include "sandbox/plane_state.hpp"

namespace pb::sandbox {

json::value plane::impl::user_view(std::string_view id) {
  const row* user = users.find(id);
  return user == nullptr ? json::value{} : json::value(*user);
}

answer plane::impl::me(call& c) { return reply(200, *c.user); }

answer plane::impl::workspace_members(call& c) {
  json::array out;
  for (const auto& id : member_order[c.workspace_id()]) {
    row member = *users.find(id);
    member["role"] = workspace_roles[c.workspace_id()][id];
    out.push_back(std::move(member));
  }
  return reply(200, out);
}

answer plane::impl::members_of_project(call& c) {
  if (c.method() == "GET") {
    json::array out;
    for (const auto& id : member_order[c.project_id()]) out.push_back(user_view(id));
    return reply(200, out);
  }
  if (project_role(c.project_id(), c.user_id()) < 20) return forbidden();
  auto in =
      check_fields(c.body,
                   {{.name = "member",
                     .is = kind::reference,
                     .required = true,
                     .exists = [this](std::string_view id) { return users.find(id) != nullptr; }},
                    {.name = "role", .is = kind::whole}},
                   false);
  if (!in.errors.empty()) return reply(400, in.errors);
  const std::string user = text_of(in.values, "member");
  if (!workspace_roles[c.workspace_id()].contains(user))
    return error_reply(400, "User is not a member of the workspace");
  row member{{"id", new_id()}, {"member", user}, {"role", 5}};
  assign(member, in.values);
  if (!project_members[c.project_id()].emplace(user, member).second)
    return error_reply(400, "User is already a member of the project");
  auto& order = member_order[c.project_id()];
  order.insert(order.begin(), user);
  return reply(201, member);
}

}  // namespace pb::sandbox

#include "sandbox/lark_seed.hpp"

namespace pb::sandbox {

lark_seeded seed_lark(lark& l) {
  lark_seeded s;
  s.owner = l.add_person(
      {.name = "Sandbox Owner", .en_name = "Sandbox Owner", .email = "owner@sandbox.example.test"});
  s.member = l.add_person({.name = "Sandbox Member",
                           .en_name = "Sandbox Member",
                           .email = "member@sandbox.example.test"});
  s.guest = l.add_person(
      {.name = "Sandbox Guest", .en_name = "Sandbox Guest", .email = "guest@sandbox.example.test"});
  s.group = l.add_chat({.name = "项目群 Project", .members = {s.owner, s.member, s.guest}});
  s.topics =
      l.add_chat({.name = "话题群 Topics", .topic_group = true, .members = {s.owner, s.member}});
  s.external =
      l.add_chat({.name = "外部群 External", .external = true, .members = {s.owner, s.guest}});
  return s;
}

}  // namespace pb::sandbox

// Items as cards are asked to show them, for the tests of cards.
#pragma once
#include <string>

#include "protocol/lark/card.hpp"

namespace lark_samples {

inline pb::protocol::lark::card_input item_card() {
  using namespace pb::protocol;
  lark::card_input in;
  in.thread = "om_dc13264520392913993dd051dba21dcf";
  in.item = "3f8f0b6c-5a35-4c22-9b3c-0f6d3a1d9a10";
  in.number = "WEB-142";
  in.name = "登录页在 Safari 17 上白屏";
  in.url = "https://plane.example.com/acme/browse/WEB-142/";
  in.state = {"s-2", "待办"};
  in.group = plane::state_group::unstarted;
  in.states = {{"s-1", "待规划"}, {"s-2", "待办"}, {"s-3", "进行中"}, {"s-4", "已完成"}};
  in.prio = plane::priority::high;
  in.assignees = {{"u-2", "测试用户乙"}};
  in.members = {{"u-1", "测试用户甲"}, {"u-2", "测试用户乙"}};
  in.start_date = "2026-04-01";
  in.target_date = "2026-04-10";
  in.labels = {"缺陷", "前端"};
  in.excerpt = "在 Safari 17.1 打开登录页后白屏。";
  return in;
}

}  // namespace lark_samples

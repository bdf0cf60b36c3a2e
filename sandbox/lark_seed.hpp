// sandbox/lark_seed: people and chats to start with; two of the people have the e-mail addresses of
// the seeded Plane's users.
#pragma once
#include <string>

#include "sandbox/lark.hpp"

namespace pb::sandbox {

struct lark_seeded {
  std::string owner, member;  ///< open_ids, with users in Plane
  std::string guest;          ///< without
  std::string group, topics;  ///< chats with the bot in them
  std::string external;       ///< a chat with people of other companies
};

lark_seeded seed_lark(lark& l);

}  // namespace pb::sandbox

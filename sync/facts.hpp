// sync/facts: what decisions about conversations may need to know and cannot find out themselves.
// A decision that lacks one returns what it needs; the actor gets it (cached, with an expiry) and
// asks again. Pure values.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/plane/model.hpp"
#include "protocol/plane/urls.hpp"
#include "sync/item_view.hpp"

namespace pb::sync {

/// A chat as Feishu describes it.
struct chat_facts {
  std::string id, name;
  bool external = false;  ///< people of other tenants are in it
  bool topic = false;     ///< every message starts a topic
  bool p2p = false;       ///< the bot and one person, or two people
};

/// An administrator's rule: what a chat has to do with a project.
struct channel_mapping {
  std::string chat, project;  ///< project: uuid
  bool shown = true;          ///< audience: items of this project may appear in this chat
  bool is_default = false;    ///< /new without IN goes here
  bool announce_items = true, announce_projects = false;
  bool internal_comments = false;
  bool external = false;  ///< also where people of other tenants are in the chat
  /// Filters of what is announced; empty: all. Names as Plane shows them.
  std::vector<std::string> states, priorities, labels, types;
};

/// A Feishu user and the Plane member who is the same person.
struct person_facts {
  std::string open_id, name;
  std::string plane_user;  ///< uuid; empty: not mapped
  bool admin = false;      ///< may bind without being a member
  bool own_key = false;    ///< connected their own Plane account
};

struct project_facts {
  protocol::plane::project project;
  std::vector<protocol::plane::state_ref> states;  ///< in Plane's order
  std::vector<protocol::plane::label_ref> labels;
  struct member {
    protocol::plane::user_ref user;
    std::string open_id;  ///< empty: not mapped
    bool guest = false;
  };
  std::vector<member> members;
  /// Who may change its items: guests do not count, nor does an empty id.
  [[nodiscard]] bool has_member(std::string_view plane_user) const noexcept;
};

/// The item behind a link or a number, as a read with the integration's own key found it.
struct item_fact {
  enum class found : std::uint8_t { yes, no, forbidden };
  found how = found::no;
  item_view view;
};

/// What became of a message or comment (sync::receipt), as the store has it.
struct receipt_fact {
  std::string entity;     ///< whose actor wrote it: "lark:thread:…", "plane:issue:…"
  std::string remote_id;  ///< as in sync::receipt
};

/// One fact that is missing.
struct need {
  enum class kind : std::uint8_t {
    bot,       ///< our own open_id
    chat,      ///< key: chat id
    channels,  ///< key: chat id
    person,    ///< key: open_id
    project,   ///< key: uuid
    projects,  ///< all projects (identifier → uuid)
    item,      ///< key: "WEB-42", "<project uuid>/<item uuid>", or "/<item uuid>": which project
               ///< is not said (published boards), the store or each project may know
    receipt,   ///< key: "<integration>:<object>", as in sync::receipt: what became of it
    quoted,    ///< key: message id: its text
    place,     ///< key: message id: which conversation the journal has it for
  };
  kind what = kind::bot;
  std::string key;
  friend auto operator<=>(const need&, const need&) = default;
};

/// The key of need::kind::item for a link; empty: it leads to no work item.
std::string item_key(const protocol::plane::plane_link& link);

/// What is known now. Absent: not asked yet; an entry that is empty: asked, and there is none.
struct facts {
  std::string bot;  ///< open_id; empty: not known
  std::map<std::string, std::optional<chat_facts>, std::less<>> chats;
  std::map<std::string, std::vector<channel_mapping>, std::less<>> channels;
  std::map<std::string, std::optional<person_facts>, std::less<>> people;
  std::map<std::string, std::optional<project_facts>, std::less<>> projects;
  std::optional<std::vector<protocol::plane::project>> all_projects;
  std::map<std::string, item_fact, std::less<>> items;
  std::map<std::string, std::optional<receipt_fact>, std::less<>> receipts;
  std::map<std::string, std::string, std::less<>> quoted;
  std::map<std::string, std::string, std::less<>> places;  ///< entities; empty: not journaled
  /// Could not be had within the time that is waited for facts: decide without.
  std::vector<need> given_up;
};

}  // namespace pb::sync

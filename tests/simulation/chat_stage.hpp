// tests/simulation/chat_stage: plays one story of Feishu and Plane in a world with a tenant, keeps
// the ledger, and asks the checkers in the end.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "chat_checker.hpp"
#include "checker.hpp"
#include "machine.hpp"
#include "stage.hpp"

namespace pb::simulation {

outcome play(const chat_story& s, bool shown);

class chat_stage {
public:
  chat_stage(const chat_story& s, bool shown);
  outcome run();

private:
  struct item {
    std::string id, project;
  };
  struct conversation {
    std::string root, chat;
  };
  struct chat_message {
    std::string id, by, root;
  };

  void wire_up();
  void act(const chat_step& s);
  void in_chat(const chat_step& s);
  void in_plane(const chat_step& s);
  void between(const chat_step& s);
  void start_thread(const chat_step& s);
  void click(const chat_step& s);
  void recall(const chat_step& s);
  void say_there(const conversation& c, chat_deed what, const std::string& words, bool to_bot,
                 chat_ledger::said said, std::uint64_t by);
  void patch(const item& i, const std::string& body);
  void set_state(const item& i, std::uint64_t draw);
  void change_weather(std::uint64_t detail);
  std::string next_tag();
  item* pick_item(std::uint64_t draw);
  std::optional<conversation> pick_conversation(std::uint64_t draw);
  /// What the bot began, by announcing a work item there.
  void find_announcements();
  void find_items();
  void heal();
  void quiet();
  void note(const std::string& line);

  const chat_story& story_;
  trace trace_;
  test::world world_;
  tenant tenant_;
  ledger calendars_;  ///< there are none
  checker order_;
  chat_ledger ledger_;
  chat_checker checker_;
  seeded_random luck_;
  machine machine_;
  chat_weather weather_;
  std::vector<item> items_;
  std::vector<conversation> conversations_;
  std::vector<chat_message> said_;
  std::vector<std::string> comments_;
  unsigned named_ = 0;
  std::size_t logged_ = 0;
  std::optional<milliseconds> webhooks_unsure_until_;
};

}  // namespace pb::simulation

// tests/simulation/chat_checker: are the promises kept between people who talk in Feishu and a
// Plane that they edit? Goes through the journal in its order and decides anew what each
// conversation was bound to and what it took, then compares with what stands in Plane and in the
// chats. It reads both itself; of sync/ it uses the readers of stored texts only.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chat_story.hpp"
#include "sync/between.hpp"
#include "sync/thread_rules.hpp"
#include "tenant.hpp"

namespace pb::simulation {

/// What the stage did, as far as it changes what may be expected.
struct chat_ledger {
  struct said {
    chat_deed what = chat_deed::comment;
    std::string chat, root, by;
    std::string tag;    ///< a word that nobody else wrote
    std::string value;  ///< item of a bind, mode of a /sync
    bool recalled = false, stranger = false;
  };
  std::map<std::string, said> messages;  ///< what people wrote, by message id
  struct written {
    std::string item, tag;
    bool unsure = false;   ///< Plane may have told nobody
    bool removed = false;  ///< in Plane; its next webhook says so, if one is still to come
  };
  std::map<std::string, written> comments;  ///< of people in Plane, by uuid
  struct clicked {
    std::string root, tag;
  };
  std::vector<clicked> forms;                ///< comments by card
  std::set<std::string> ended_chats;         ///< the bot was out of them at some time
  std::set<std::string> recalled_roots;      ///< conversations without a first message
  std::set<std::string> gone_items;          ///< removed or archived at some time
  std::map<std::string, std::string> items;  ///< uuid → project
  std::set<std::string> overtaken;           ///< cards whose update may land after a newer one
  unsigned causes = 0;                       ///< things people did
};

class chat_checker {
public:
  chat_checker(test::world& w, tenant& t, const chat_ledger& known)
      : world_(w), tenant_(t), known_(known) {}

  /// Nothing unfinished, nothing dead that no fault of people's explains.
  void journal();
  /// What was said became what it should, once; what was written in Plane is told where it should.
  void conversations();
  /// Each message of the bot is the outcome of one effect, and each outcome is there.
  void messages();
  /// Bindings agree on both sides, and what is held of an item is as Plane has it; so are cards.
  void bindings();
  void fail(std::string what);
  [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }
  [[nodiscard]] std::size_t told() const noexcept { return told_; }
  [[nodiscard]] std::size_t commented() const noexcept { return commented_; }

private:
  struct shown {
    std::string id, chat, root, type, content;
    bool deleted = false;
  };
  struct comment_row {
    std::string id, item, html;
  };
  struct conversation {
    std::string root, item;
    bool gives_all = false, gives_commands = true, gets_comments = true;
    void end() { *this = {root, {}, false, true, true}; }
  };
  void look();
  void hear(conversation& c, const persistence::delivery& d);
  void hear_person(conversation& c, const persistence::delivery& d);
  void hear_comment(const conversation& c, const persistence::delivery& d,
                    const sync::item_commented& what);
  void expect_comment(const std::string& message, const chat_ledger::said& said,
                      const std::string& item);
  void check_told();
  void check_item(const std::string& root, const sync::thread_knowledge& k);
  void check_card(const std::string& root, const sync::item_view& is, const std::string& message);
  [[nodiscard]] bool ended(const std::string& chat, const std::string& root) const;
  [[nodiscard]] std::size_t saying(const std::string& root, const std::string& tag) const;

  test::world& world_;
  tenant& tenant_;
  const chat_ledger& known_;
  std::vector<persistence::delivery> deliveries_;  ///< in journal order
  std::vector<shown> bots_;                        ///< what the bot has written
  std::multimap<std::string, comment_row> by_marker_;
  std::map<std::string, std::string> chat_of_;            ///< root → chat
  std::set<std::pair<std::string, std::string>> handed_;  ///< (comment, conversation)
  std::set<std::string> heard_;                           ///< messages
  std::size_t told_ = 0, commented_ = 0;
  std::vector<std::string> failures_;
};

}  // namespace pb::simulation

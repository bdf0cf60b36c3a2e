// actors/facts_lookup: how each kind of fact is found: which calls, which rows, in which order.
// Private to facts_directory; people_mapping shares the workspace's members. Projects and work
// items are in facts_in_plane.cpp.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/facts_directory.hpp"
#include "protocol/plane/parse.hpp"

namespace pb::actors {

inline fact_answer found(const sync::need& n) { return {n, {}, std::nullopt}; }
inline fact_answer not_had(const sync::need& n, failure why) { return {n, {}, std::move(why)}; }
/// It is known that there is nothing: asking again would not help.
inline bool is_nothing(const failure& f) noexcept {
  return f.code == errc::not_found || f.code == errc::forbidden || f.code == errc::bad_input;
}

/// E-mail addresses compare without case.
std::string lower_ascii(std::string text);

class facts_lookup : public std::enable_shared_from_this<facts_lookup> {
public:
  using done = std::function<void(fact_answer)>;
  using members = std::shared_ptr<const std::vector<protocol::plane::member>>;

  explicit facts_lookup(facts_sources from) : from_(std::move(from)) {}

  void find(const sync::need& what, urgency how, done then);
  /// The workspace's members with their roles, at most five minutes old.
  void workspace_members(urgency how, std::function<void(result<members>)> then);
  void forget_members();

private:
  void bot(const sync::need& n, urgency how, done then);
  void chat(const sync::need& n, urgency how, done then);
  void channels(const sync::need& n, done then);
  void person(const sync::need& n, urgency how, done then);
  void person_by_email(const sync::need& n, urgency how, sync::person_facts known, done then);
  void project(const sync::need& n, urgency how, done then);
  struct project_steps;
  void project_details(const std::shared_ptr<project_steps>& s);
  void project_people(const std::shared_ptr<project_steps>& s);
  void projects(const sync::need& n, urgency how, done then);
  void item(const sync::need& n, urgency how, done then);
  void item_by_number(const sync::need& n, urgency how, done then);
  void item_of(const sync::need& n, const std::string& project, const std::string& id, urgency how,
               done then);
  void item_anywhere(const sync::need& n, const std::string& id, urgency how, done then);
  void item_among(const sync::need& n, std::string id, std::vector<std::string> projects,
                  urgency how, done then);
  void show(const sync::need& n, const protocol::plane::work_item& item, urgency how, done then);
  void receipt(const sync::need& n, done then);
  void place(const sync::need& n, done then);
  void quoted(const sync::need& n, urgency how, done then);

  /// Runs on the store's reader; a failure of the store ends the look-up.
  void read(const sync::need& n, done then,
            std::function<void(persistence::reader&, const done&)> body);
  void plane(const sync::need& n, exchange_ptr what, urgency how,
             std::function<void(performed)> then) const;
  void lark(const sync::need& n, exchange_ptr what, urgency how,
            std::function<void(performed)> then) const;
  [[nodiscard]] bool is_admin(const std::string& open_id) const;

  const facts_sources from_;
  std::mutex lock_;
  members members_;  ///< under the lock, like the two below
  std::chrono::milliseconds members_until_{0};
  std::vector<std::function<void(result<members>)>> members_asked_;
};

}  // namespace pb::actors

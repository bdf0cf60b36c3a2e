// actors/front: takes verified deliveries from the HTTP threads, has them committed, answers, and
// tells the dispatcher. No actor: the store's queue collects what arrives together, and a hop
// through a mailbox would only add to every answer.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "http/inbox.hpp"

namespace pb::actors {

/// Any thread. Outlived by what it has under way.
class front : public std::enable_shared_from_this<front> {
public:
  front(context_ptr ctx, dispatcher_actor dispatcher);
  /// `done` comes once, on the store's thread after the commit, or with the failure.
  void accept(persistence::delivery_append verified,
              std::function<void(result<http::acceptance>)> done);
  /// What comes from now on is refused.
  void close() noexcept { closed_.store(true); }

private:
  const context_ptr ctx_;
  const dispatcher_actor dispatcher_;
  const std::shared_ptr<probe> probe_;
  std::atomic<bool> closed_{false};
};

/// A committed delivery, to whoever handles it.
void hand_over(const context_ptr& ctx, const dispatcher_actor& dispatcher,
               std::shared_ptr<const persistence::delivery> row);

/// A delivery that was answered from the spool is in the journal now. On the store's thread.
void journaled_later(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                     const std::shared_ptr<persistence::delivery>& row, bool duplicate);

/// Journals deliveries that we made ourselves (polls, scans, looks into calendars) in one unit;
/// `done` gets how many were new, on the store's thread.
void journal_own(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                 std::vector<persistence::delivery_append> deliveries,
                 std::function<void(result<std::size_t>)> done);

/// The same in two steps, for whoever commits them together with something else: first what will be
/// handed on, then, with the answer to the commit and on the store's thread, the handing on. How
/// many were new.
using own_deliveries = std::vector<std::shared_ptr<persistence::delivery>>;
std::shared_ptr<own_deliveries> own_rows(const std::vector<persistence::delivery_append>& appends);
std::size_t hand_over_own(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                          own_deliveries& rows, const result<persistence::written>& answer);

/// A delivery that planebridge makes for itself. The identity makes it unique for its source.
persistence::delivery_append own_delivery(const context& ctx, std::string source, std::string form,
                                          std::string event, entity_key entity, std::string body,
                                          std::string identity);

}  // namespace pb::actors

// actors/runtime: the actor tree, started and stopped as one, behind interfaces that know no actor:
// http::inbox for verified deliveries, http::inspector for live state, operations for the API.
// app/ makes one per daemon. No CAF in this header.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/chat_calls.hpp"
#include "actors/connector_policy.hpp"
#include "actors/context.hpp"
#include "actors/facts_desk.hpp"
#include "actors/people_report.hpp"
#include "actors/remotes.hpp"
#include "http/inbox.hpp"
#include "http/lark_reception.hpp"
#include "http/operations.hpp"

namespace pb::actors {

struct runtime_parts {
  context_ptr ctx;
  std::shared_ptr<const remotes> calls;
  std::function<connector_policy()> plane, caldav;  ///< made anew for each (re)started connector
  bool deterministic = false;                       ///< CAF's testing scheduler: the test drives it

  // Conversations; unset without Feishu.
  std::function<connector_policy()> lark{};
  std::shared_ptr<const chat_calls> chat{};
  std::shared_ptr<facts_desk> facts{};  ///< unset: one is made
  std::string bot_open_id{};            ///< empty: asked
  std::vector<std::string> admins{};    ///< open_ids
};

class runtime final : public http::inbox, public http::inspector, public http::operations {
public:
  explicit runtime(runtime_parts parts);
  ~runtime() override;

  /// Waits until no delivery and no effect is in flight, at most `grace`. Blocks: for shutting
  /// down.
  void settle(std::chrono::milliseconds grace) const;
  /// Takes over what can change while running. Any thread.
  void reconfigure(const options& next);
  /// From the outside in; returns the probes of whoever did not end within `grace`.
  std::vector<std::string> stop(std::chrono::milliseconds grace);

  void accept(persistence::delivery_append verified,
              std::function<void(result<http::acceptance>)> done) override;
  void wrongly_signed(std::string_view work_item, timestamp at) override;

  /// What is held about it is out of date (sync/facts): a mapping was changed, somebody left. An
  /// empty key means all of this kind. Any thread; not during stop().
  void forget(const sync::need& what);
  /// Plane's members and Feishu's users matched by e-mail; see people_mapping. `done` comes once,
  /// on any thread; key_missing without Feishu. Not during stop().
  void map_people(bool dry_run, std::function<void(result<people_report>)> done);

  /// Who answers what is shown of links; null without Feishu. Good for as long as anybody holds
  /// it; after stop() it shows nothing.
  [[nodiscard]] std::shared_ptr<http::preview_source> previews() const;

  /// A delivery that was acknowledged while the store was away is in the journal now. On the
  /// store's thread; not after stop().
  void journaled(const std::shared_ptr<persistence::delivery>& row, bool duplicate);

  [[nodiscard]] std::string actors(const actor_query& q) const override;
  [[nodiscard]] std::string actor(const std::string& id) const override;
  [[nodiscard]] std::string scheduler() const override;
  [[nodiscard]] std::string health(bool detailed) const override;
  [[nodiscard]] bool ready() const override;
  void subscribe(std::function<bool(std::string_view, std::string_view)> sink) override;

  void retry_dead_letter(const std::string& id,
                         std::function<void(result<std::string>)> done) override;
  void skip_dead_letter(const std::string& id,
                        std::function<void(result<std::string>)> done) override;
  void sync_now(const http::sync_request& r,
                std::function<void(result<std::string>)> done) override;
  [[nodiscard]] std::string sync_status(const std::string& id) const override;

  /// Tests only: the system under CAF's testing scheduler.
  struct impl;
  [[nodiscard]] impl& internals() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::actors

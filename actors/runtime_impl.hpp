// actors/runtime_impl: what a runtime holds. Included by runtime.cpp, inspection.cpp and by tests
// that drive CAF's testing scheduler.
#pragma once
#include <caf/scheduler/test_coordinator.hpp>

#include "actors/connector.hpp"
#include "actors/cron_actor.hpp"
#include "actors/facts_directory.hpp"
#include "actors/file_turns.hpp"
#include "actors/front.hpp"
#include "actors/messages.hpp"
#include "actors/preview_desk.hpp"
#include "actors/runtime.hpp"
#include "actors/sync_board.hpp"

namespace pb::actors {

struct runtime::impl {
  explicit impl(runtime_parts p);

  runtime_parts parts;
  caf::actor_system_config config;
  caf::actor_system system;
  std::shared_ptr<connector_status> plane_status = std::make_shared<connector_status>();
  std::shared_ptr<connector_status> caldav_status = std::make_shared<connector_status>();
  std::shared_ptr<connector_status> lark_status = std::make_shared<connector_status>();
  std::shared_ptr<sync_board> board = std::make_shared<sync_board>();
  std::shared_ptr<cron_board> crons = std::make_shared<cron_board>();
  connector_port plane, caldav;
  connector_port lark;                     ///< none without Feishu
  std::optional<facts_sources> sources;    ///< with it
  std::shared_ptr<preview_desk> previews;  ///< likewise
  std::shared_ptr<file_turns> turns = std::make_shared<file_turns>();
  dispatcher_actor dispatcher;
  calendar_watch_actor calendars;
  std::shared_ptr<front> intake;
  plane_watch_actor watch;
  cron_actor_handle cron;
  bool stopped = false;

  /// Deterministic only: runs until no actor is ready; does not move time.
  void run_all() { dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).run(); }
};

}  // namespace pb::actors

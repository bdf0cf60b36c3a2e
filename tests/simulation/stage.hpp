// tests/simulation/stage: plays one story in a world, lets time pass and processes die and start
// again, keeps the ledger, and asks the checker in the end.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "checker.hpp"
#include "machine.hpp"
#include "story.hpp"
#include "trace.hpp"
#include "world.hpp"

namespace pb::simulation {

/// What one run showed.
struct outcome {
  std::vector<std::string> failures;
  std::uint64_t trace = 0;
  std::size_t steps = 0, crashes = 0, calls = 0, writes = 0, deliveries = 0;
  std::uint64_t messages = 0;
  milliseconds virtual_time{0};
};
outcome play(const story& s, bool shown);

class stage {
public:
  stage(const story& s, bool shown);
  outcome run();

private:
  struct known_item {
    std::string id, project;
    bool archived = false;
  };

  void wire_up();
  void act(const step& s);
  void add_others_event(const known_item& item);
  void in_plane(const step& s, known_item& item);
  void in_calendar(const step& s);
  void between(const step& s);
  void patch(known_item& item, const std::string& body);
  void set_state(known_item& item, const char* group);
  void reload();
  void heal();
  void quiet();
  void say(const std::string& line);
  std::optional<test::wire_fault> fate(const protocol::http_request& r);
  [[nodiscard]] std::string date(std::uint64_t draw) const;
  known_item* pick(std::uint64_t draw);
  /// One of our events as it is in a calendar: path and text; empty without any.
  struct seen_event {
    std::string path, item;
  };
  std::optional<seen_event> pick_event(std::uint64_t draw);

  const story& story_;
  trace trace_;
  ledger ledger_;
  test::world world_;
  checker checker_;
  seeded_random luck_;
  machine machine_;
  weather weather_;
  unsigned version_ = 0, named_ = 0;
  std::vector<known_item> items_;
  std::vector<std::string> bodies_;
  std::size_t logged_ = 0;
};

}  // namespace pb::simulation

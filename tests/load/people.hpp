// People at work in the sandbox's Plane: they create, rename, move and delete work items. They act
// inside the process, so that faults on the way to Plane hit the daemon and not them.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "base/random.hpp"
#include "tests/app/bridge.hpp"

namespace pb::app::testing {

class people {
public:
  people(plane_side& plane, std::uint64_t seed, std::size_t most_items);
  std::function<void(const std::string& item)> on_delete;  ///< after it; may be empty

  /// One edit by somebody; from one thread only.
  void edit();
  /// As many new items, all with a due date.
  void create(std::size_t count);
  [[nodiscard]] std::uint64_t edits() const noexcept { return edits_; }

  struct shown {
    std::string name, date;  ///< date as DTSTART has it: "20270801"
  };
  /// The work items that a calendar has to show, by id, as Plane has them now.
  [[nodiscard]] std::map<std::string, shown> wanted();

private:
  boost::json::value call(const std::string& method, const std::string& path,
                          const boost::json::value& body = nullptr);
  std::string drawn_date();
  std::size_t drawn(std::size_t below) { return random_.next() % below; }
  plane_side& plane_;
  seeded_random random_;
  std::size_t most_items_;
  std::vector<std::string> items_;
  std::uint64_t edits_ = 0, names_ = 0;
};

}  // namespace pb::app::testing

// tests/simulation/checker: are the promises kept? Watches every commit of the bridge and every
// write that the calendar server carried out, and compares in the end what the calendars hold with
// what Plane says. It reads Plane itself and shares no decision with sync/.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "world.hpp"

namespace pb::simulation {

/// What the stage did, as far as it changes what may be expected.
struct ledger {
  std::map<std::string, std::string> foreign;  ///< path → text, as its owner left it
  struct note {
    std::string text;
    std::size_t writes_before = 0;  ///< calendar writes when it was made
  };
  std::map<std::string, note> notes;       ///< path → a person's location in our event
  std::map<std::string, unsigned> causes;  ///< item → changes that may each cause a write
  std::set<std::string> may_be_deleted;    ///< items that once had no place in a calendar
  bool all_may_be_deleted = false;
  /// Path → an event in our form that another installation made for an item without a date.
  std::map<std::string, std::string> others;
  std::set<std::string> once_others;  ///< items that have or had one
  bool clock_jumped = false;
  std::set<std::string> calendars_deleted;  ///< paths, by a person
  unsigned everywhere = 0;                  ///< the same, for every item
  std::size_t restored_at = 0;              ///< calendar writes before Plane last went back
  bool restored = false;
};

class checker {
public:
  checker(test::world& w, const ledger& known) : world_(w), known_(known) {}

  /// Journal order is planning order; nothing finished is finished again; what was sent is not
  /// replaced, and a replacement waits no longer; looks into a calendar wait for our own writes.
  void on_commit(const persistence::write& unit, const result<persistence::written>& answer);
  void on_call(const protocol::http_request& request);
  void on_answer(const std::string& method, const std::string& url);
  void on_death();
  /// What the calendar server carried out: no write says what stood there already, none is older
  /// than the one before, SEQUENCE counts moves in time, no more writes than changes.
  void writes();
  /// Nothing pending, waiting or dead; no delivery journaled twice.
  void journal();
  /// Calendars are as Plane says. `strict`: also where a person deleted or insisted, since an
  /// operator asked for a sync meanwhile.
  void calendars(bool strict);
  void fail(std::string what);
  [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }

private:
  struct expected {
    std::string item, project, summary, start, end, status, project_name, state;
    std::vector<std::string> labels;
  };
  std::vector<expected> read_plane();
  void check_effect(const persistence::effect& e);
  void check_event(const expected& e, const std::string& path, const std::string& text);
  void reload_pending();

  test::world& world_;
  const ledger& known_;
  std::map<std::string, std::set<std::int64_t>> pending_;  ///< entity → seqs
  struct journaled {
    std::string entity, form;
    std::chrono::milliseconds at{0};
  };
  void note(const persistence::delivery& d, std::int64_t seq);
  std::map<std::int64_t, journaled> journaled_;
  std::map<std::int64_t, persistence::effect> effects_;
  bool write_under_way(const std::string& entity) const;
  /// Entities whose write is sent and not settled, and when it was answered.
  std::map<std::string, std::optional<std::chrono::milliseconds>> in_flight_;
  std::set<std::string> possibly_sent_;  ///< the same, also after the process died
  std::map<std::string, unsigned> planned_;
  std::map<std::string, std::int64_t> cursor_;
  std::set<std::int64_t> finished_effects_;
  std::vector<std::string> failures_;
};

}  // namespace pb::simulation

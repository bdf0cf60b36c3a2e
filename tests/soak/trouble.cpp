#include "tests/soak/trouble.hpp"

#include <iterator>

namespace pb::app::testing {
namespace {

using sandbox::fault;
using sandbox::fault_kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

const fault kinds[] = {
    {.kind = fault_kind::latency, .probability = 0.5, .delay = milliseconds{1'500}},
    {.kind = fault_kind::status, .probability = 0.2, .status = 429, .retry_after = seconds{2}},
    {.kind = fault_kind::status, .probability = 0.3, .status = 503},
    {.kind = fault_kind::status, .probability = 0.2, .status = 500},
    {.kind = fault_kind::reset, .probability = 0.3},
    {.kind = fault_kind::half_response, .probability = 0.2},
    {.kind = fault_kind::lost_answer, .probability = 0.05},
    {.kind = fault_kind::webhook_lost, .probability = 0.2},
    {.kind = fault_kind::webhook_duplicated, .probability = 0.3},
    {.kind = fault_kind::webhook_reordered, .probability = 0.3, .delay = milliseconds{1'000}},
};

}  // namespace

void trouble::next() {
  end();
  if (random_.next() % 2 == 0) {
    ++set_["calm"];
    return;
  }
  for (auto both = 1 + random_.next() % 2; both > 0; --both) {
    const auto& f = kinds[random_.next() % std::size(kinds)];
    plane_.server().faults().add(f);
    auto name = std::string{sandbox::to_string(f.kind)};
    if (f.kind == fault_kind::status) name += " " + std::to_string(f.status);
    ++set_[name];
  }
  if (random_.next() % 3 == 0) {
    calendars_.one_in_fails = 15;
    ++set_["calendar failing"];
  }
}

void trouble::end() {
  plane_.server().faults().clear();
  calendars_.one_in_fails = 0;
}

}  // namespace pb::app::testing

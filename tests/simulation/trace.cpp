#include "trace.hpp"

namespace pb::simulation {

std::string line_of(const persistence::write& unit, const result<persistence::written>& answer) {
  std::string line = answer ? "commit" : "commit fails";
  for (std::size_t n = 0; n < unit.appends.size(); ++n)
    line += " +" + unit.appends[n].row.form + "/" + unit.appends[n].row.event + "/" +
            unit.appends[n].row.entity.text() +
            (answer ? "=" + std::to_string(answer->appends[n].seq) +
                          (answer->appends[n].duplicate ? "(again)" : "")
                    : "");
  for (const auto& m : unit.marks)
    line += " #" + std::to_string(m.seq) + " " + std::to_string(static_cast<int>(m.status)) + " (" +
            m.reason + ")";
  for (const auto& e : unit.effects)
    line += " effect " + std::to_string(e.id) + " " + e.operation + " " +
            std::to_string(static_cast<int>(e.status)) + " r" + std::to_string(e.revision) + " " +
            e.object;
  for (const auto& l : unit.links) line += " link " + l.state + " " + l.object + "=" + l.remote_id;
  for (const auto& r : unit.receipts) line += " receipt " + r.object + "=" + r.remote_id;
  return line;
}

}  // namespace pb::simulation

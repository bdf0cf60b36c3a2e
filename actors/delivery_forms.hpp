// actors/delivery_forms: how the body of each form of delivery reads, and how our own are written.
// Pure; no CAF. Forms: what Plane sent, what a poll or scan found, a hint to read, a look into a
// calendar.
#pragma once
#include <string>
#include <string_view>

#include "persistence/rows.hpp"
#include "persistence/touched_set.hpp"
#include "sync/calendar_rules.hpp"
#include "sync/plane_rules.hpp"

namespace pb::actors {

namespace forms {
inline constexpr std::string_view plane_webhook = "plane.webhook";  ///< the body as sent
inline constexpr std::string_view plane_touch = "plane.touch";      ///< {"project"}: read it
inline constexpr std::string_view plane_read = "plane.read";        ///< {"requested_at", "item"}
inline constexpr std::string_view plane_absent = "plane.absent";  ///< {"project"}: a scan missed it
inline constexpr std::string_view plane_project_gone =
    "plane.project_gone";  ///< its project was deleted
inline constexpr std::string_view calendar_observed = "calendar.observed";
inline constexpr std::string_view lark_event = "lark.event";      ///< a push, decrypted
inline constexpr std::string_view item_written = "item.written";  ///< by us: nothing is in it
}  // namespace forms

/// What a Plane delivery says. errc::bad_input when the body does not read.
result<sync::heard> hear(const persistence::delivery& d);
/// The project a delivery's body names; empty when none.
std::string project_named_in(const persistence::delivery& d);

/// Who made the project that a delivery tells of, as far as it says so.
struct project_author {
  std::string id, name;
};
project_author author_in(const persistence::delivery& project_created);
std::string project_created_body(const protocol::plane::project& found);

/// What has to be read when nothing but the id of what a delivery is about could be kept; nothing
/// when it is about nothing that could be read.
std::optional<persistence::touched_entity> touch_of(const persistence::delivery_append& d);
/// The delivery that has it read. Its identity is made of the mark: the same mark never reads
/// twice.
persistence::delivery_append touch_delivery(const persistence::touched_entity& e, timestamp now);

std::string touch_body(std::string_view project, std::string_view why);
/// `item` is the row as Plane's list gave it, expanded.
std::string read_body(timestamp requested_at, std::string_view item_json);

std::string observed_body(const sync::observed_event& seen);
result<sync::observed_event> parse_observed(std::string_view body);

}  // namespace pb::actors

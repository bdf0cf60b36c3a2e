// sync/knowledge: what we know of a work item and of its calendar link, as values that live in
// the store as JSON (entity_row.known, link_row.base). Only the issue actor writes them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/plane/model.hpp"

namespace pb::sync {

enum class presence : std::uint8_t {
  unknown,   ///< never seen
  here,      ///< listed by Plane
  archived,  ///< its own state: not deleted, not shown
  gone,      ///< deleted: said by an event, or 404 while its project answers 200
};
std::string_view to_string(presence p) noexcept;

/// The last *planned* values of a work item: what an incoming value is compared with.
struct item_knowledge {
  presence where = presence::unknown;
  std::string id, project;
  std::int64_t sequence_id = 0;
  std::string name;
  std::string text;         ///< description as plain text, cut at text_limit
  std::string text_source;  ///< of which HTML: version of the conversion and 16 digits of its hash
  protocol::plane::priority prio = protocol::plane::priority::none;
  std::string start_date, target_date;
  protocol::plane::state_ref state;
  std::vector<std::string> assignees;  ///< display names, in Plane's order
  std::vector<std::string> labels;     ///< names, sorted
  /// Uuids beside the names, in their order; other lengths: stored before they were kept.
  std::vector<std::string> assignee_ids, label_ids;
  bool draft = false;
  /// Known by reads for requests only, of which nobody is told: what is heard next of it is the
  /// first news.
  bool found_quietly = false;
  /// The chat whose /new made it, by the item's own marker: it is not announced there. Empty: none.
  std::string made_in;
  std::string type;                    ///< uuid; the open edition has none
  std::string created_at, updated_at;  ///< Plane's own times, as sent
  /// When the newest source of these values was heard: a webhook's journaling, or the moment a
  /// read was asked for. A list asked for before it may be older than what is known.
  timestamp last_event_at{};

  /// Attachments that we made, newest last, and for whom: Plane may announce them, long after.
  struct own_file {
    std::string asset, thread, message;
    friend bool operator==(const own_file&, const own_file&) = default;
  };
  std::vector<own_file> files;

  static constexpr std::size_t text_limit = 32 * 1024, max_files = 40;
};
void remember(item_knowledge& k, item_knowledge::own_file f);

/// Gone or archived: nothing is written to it.
bool is_tombstone(const item_knowledge& k) noexcept;

/// Takes over a webhook's or an expanded read's values; keeps last_event_at.
item_knowledge learn(const item_knowledge& before, const protocol::plane::work_item& item);
/// Are the uuids of its people and labels known?
bool has_ids(const item_knowledge& k) noexcept;
/// Do the mapped values agree? Times, and what no link uses, do not count (echo-by-value).
bool same_values(const item_knowledge& a, const item_knowledge& b) noexcept;

std::string to_json(const item_knowledge& k);
/// An empty text is an item never seen.
result<item_knowledge> parse_item_knowledge(std::string_view json);

/// The base of a calendar link.
struct calendar_base {
  std::string project;  ///< whose calendar holds it
  std::string href, etag;
  std::string hash;     ///< content hash last agreed on; empty: nothing written yet
  std::string agreed;   ///< fingerprint of the item values behind `hash`
  std::string planned;  ///< fingerprint of the values last planned (agreed, or on their way)
  std::string names;    ///< rendered_names() behind `hash`
  std::vector<std::string> labels;  ///< categories last written
  int sequence = 0;
  timestamp sent_at{};              ///< last time a call for this object went out (trailing window)
  std::vector<timestamp> put_back;  ///< when a client's edit of our values was put back
};
std::string to_json(const calendar_base& b);
result<calendar_base> parse_calendar_base(std::string_view json);

}  // namespace pb::sync

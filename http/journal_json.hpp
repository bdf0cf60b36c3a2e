// http/journal_json: rows of the store as the API shows them. Ids are "d<seq>" for deliveries and
// "e<id>" for effects. Pure. Used by the journal endpoints only.
#pragma once
#include <boost/json.hpp>
#include <optional>
#include <string_view>

#include "persistence/rows.hpp"

namespace pb::http {

inline constexpr std::size_t shown_body_bytes = 64u * 1024;

/// size: tells how large the body is, which must have been read for it.
enum class body_view : std::uint8_t { none, size, text };

std::string delivery_id(std::int64_t seq);
std::string effect_id(std::int64_t id);

boost::json::object to_json(const persistence::delivery& d, body_view body);
/// @param body  the payload, of effects that keep one
boost::json::object to_json(const persistence::effect& e, body_view body);
boost::json::object to_json(const persistence::attempt& a);
boost::json::object to_json(const persistence::link_row& l);
boost::json::object to_json(const persistence::provenance& p);

std::optional<persistence::delivery_status> delivery_status_of(std::string_view word) noexcept;
std::optional<persistence::effect_status> effect_status_of(std::string_view word) noexcept;
/// For error messages: "pending, done, ignored, dead, skipped".
std::string_view delivery_status_words() noexcept;
std::string_view effect_status_words() noexcept;

}  // namespace pb::http

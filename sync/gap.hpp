// sync/gap: how polls and scans of Plane tell what no webhook announced. Pure. Times are Plane's
// own, as it sent them; what cannot be read as a time is never younger or later than anything. Used
// by actors/plane_watch.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>

#include "base/clock.hpp"

namespace pb::sync {

/// Changed later than the other; anything is later than an empty time.
bool is_later(const std::string& time, const std::string& than);
/// The same moment, whatever its spelling.
bool is_same_moment(const std::string& a, const std::string& b);
/// So young when the list was asked for that its webhook may still be under way: left to it, and
/// the watermark stays below.
bool is_young(const std::string& updated_at, timestamp asked_at, std::chrono::milliseconds grace);
/// Down to where a poll reads: the watermark less the overlap, in which rows may have been written
/// with an earlier time than they became visible.
std::string poll_down_to(const std::string& watermark, std::chrono::milliseconds overlap);
/// What a scan found different is read item by item, unless whole pages of all are fewer requests.
bool reads_one_by_one(std::size_t differing, std::size_t listed) noexcept;

}  // namespace pb::sync

// What the sentinel has learned, as JSON: it outlives restarts, so that nothing is noticed twice.
#include <algorithm>
#include <boost/json.hpp>

#include "sync/json_fields.hpp"
#include "sync/sentinel.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace {

/// Times that no clock gave would overflow the sums made with them.
timestamp time_in(const json_fields& o, std::string_view key) {
  constexpr std::int64_t year_2200 = 7'258'118'400'000'000;
  return from_micros(std::clamp<std::int64_t>(o.number(key), 0, year_2200));
}
std::uint32_t small(const json::value& v) {
  return v.is_int64() ? static_cast<std::uint32_t>(std::clamp<std::int64_t>(v.get_int64(), 0, 1000))
                      : 0;
}

}  // namespace

std::string sentinel::to_json() const {
  json::object authors;
  for (const auto& [author, of] : by_author_) {
    json::array row;
    for (const auto& t : of) row.emplace_back(json::array{t.told, t.missed});
    authors[author] = std::move(row);
  }
  json::array misses;
  for (const auto& m : misses_)
    misses.push_back({{"item", m.what.item},
                      {"author", m.what.author},
                      {"kinds", static_cast<std::int64_t>(m.what.kinds.to_ulong())},
                      {"made", to_micros(m.what.made_at)},
                      {"found", to_micros(m.found_at)},
                      {"alarm", m.in_alarm}});
  return json::serialize(
      json::object{{"heard", ever_heard_},
                   {"life", to_micros(life_)},
                   {"offset_ms", offset_.count()},
                   {"state", to_string(verdict_.state)},
                   {"since", to_micros(verdict_.since)},
                   {"from", verdict_.from ? to_micros(*verdict_.from) : 0},
                   {"unannounced", static_cast<std::int64_t>(verdict_.unannounced)},
                   {"episode", static_cast<std::int64_t>(episode_)},
                   {"others_clear", others_clear_},
                   {"kept", static_cast<std::int64_t>(kept_)},
                   {"slipped", static_cast<std::int64_t>(slipped_)},
                   {"authors", std::move(authors)},
                   {"misses", std::move(misses)}});
}

result<sentinel> sentinel::parse(std::string_view text) {
  sentinel s;
  if (text.empty()) return s;
  const auto parsed = read_object(text, text.size(), errc::storage, "sync.sentinel");
  if (!parsed) return parsed.error();
  const json_fields o{*parsed, nullptr};
  constexpr std::int64_t day_ms = 86'400'000;
  s.ever_heard_ = o.flag("heard");
  s.life_ = time_in(o, "life");
  s.offset_ =
      std::chrono::milliseconds{std::clamp<std::int64_t>(o.number("offset_ms"), -day_ms, day_ms)};
  const auto state = o.text("state");
  for (int i = 0; i <= static_cast<int>(webhook_state::work_items_off); ++i)
    if (to_string(static_cast<webhook_state>(i)) == state)
      s.verdict_.state = static_cast<webhook_state>(i);
  s.verdict_.since = time_in(o, "since");
  if (const auto from = time_in(o, "from"); from != timestamp{}) s.verdict_.from = from;
  const auto counted = [&](std::string_view key) {
    return static_cast<std::size_t>(std::clamp<std::int64_t>(o.number(key), 0, 1'000'000'000));
  };
  s.verdict_.unannounced = counted("unannounced");
  s.episode_ = counted("episode");
  s.others_clear_ = o.flag("others_clear");
  s.kept_ = static_cast<double>(std::min<std::size_t>(counted("kept"), 10'000));
  s.slipped_ = static_cast<double>(std::min<std::size_t>(counted("slipped"), 10'000));
  if (const auto* a = parsed->if_contains("authors"); a != nullptr && a->is_object())
    for (const auto& [author, row] : a->get_object()) {
      if (!row.is_array()) continue;
      auto& of = s.by_author_[std::string{author}];
      std::size_t k = 0;
      for (const auto& pair : row.get_array()) {
        if (k == of.size()) break;
        if (pair.is_array() && pair.get_array().size() == 2)
          of[k] = {small(pair.get_array()[0]), small(pair.get_array()[1])};
        ++k;
      }
    }
  for (const auto& r : o.objects("misses")) {
    open_miss miss;
    miss.what.item = r.text("item");
    miss.what.author = r.text("author");
    miss.what.kinds = change_kinds{static_cast<unsigned long>(
        std::clamp<std::int64_t>(r.number("kinds"), 0, (1 << change_kinds_known) - 1))};
    miss.what.made_at = time_in(r, "made");
    miss.found_at = time_in(r, "found");
    miss.in_alarm = r.flag("alarm");
    s.misses_.push_back(std::move(miss));
  }
  return s;
}

}  // namespace pb::sync

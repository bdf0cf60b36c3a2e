#include "sync/channel_options.hpp"

#include <boost/json.hpp>
#include <utility>

namespace pb::sync {
namespace json = boost::json;
namespace {

constexpr std::size_t max_names = 200;

struct flag {
  std::string_view key;
  bool channel_mapping::*member;
};
constexpr flag flags[] = {{"shown", &channel_mapping::shown},
                          {"default", &channel_mapping::is_default},
                          {"announce_items", &channel_mapping::announce_items},
                          {"announce_projects", &channel_mapping::announce_projects},
                          {"internal_comments", &channel_mapping::internal_comments},
                          {"external", &channel_mapping::external}};
struct names {
  std::string_view key;
  std::vector<std::string> channel_mapping::*member;
};
const names lists[] = {{"states", &channel_mapping::states},
                       {"priorities", &channel_mapping::priorities},
                       {"labels", &channel_mapping::labels},
                       {"types", &channel_mapping::types}};

failure unreadable(std::string detail) {
  failure f;
  f.code = errc::bad_input;
  f.where = "channel_mapping.options";
  f.detail = std::move(detail);
  f.remedy = "set the mapping again";
  return f;
}

}  // namespace

std::string channel_options(const channel_mapping& m) {
  json::object o;
  for (const auto& f : flags) o[f.key] = m.*f.member;
  for (const auto& l : lists) {
    json::array all;
    for (const auto& name : m.*l.member) all.emplace_back(name);
    o[l.key] = std::move(all);
  }
  return json::serialize(o);
}

result<channel_mapping> read_channel_mapping(std::string chat, std::string project,
                                             std::string_view options) {
  channel_mapping out;
  out.chat = std::move(chat);
  out.project = std::move(project);
  boost::system::error_code ec;
  const auto parsed = json::parse(options, ec);
  if (ec || !parsed.is_object()) return unreadable("not a JSON object");
  const auto& o = parsed.get_object();
  for (const auto& f : flags)
    if (const auto* v = o.if_contains(f.key)) {
      if (!v->is_bool()) return unreadable(std::string{f.key} + " is neither true nor false");
      out.*f.member = v->get_bool();
    }
  for (const auto& l : lists)
    if (const auto* v = o.if_contains(l.key)) {
      if (!v->is_array() || v->get_array().size() > max_names)
        return unreadable(std::string{l.key} + " is no list of names");
      for (const auto& name : v->get_array()) {
        if (!name.is_string()) return unreadable(std::string{l.key} + " is no list of names");
        (out.*l.member).emplace_back(name.get_string());
      }
    }
  return out;
}

}  // namespace pb::sync

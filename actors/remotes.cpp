#include "actors/remotes.hpp"

#include "protocol/caldav/discovery.hpp"
#include "protocol/caldav/exchanges.hpp"
#include "protocol/caldav/href.hpp"
#include "protocol/plane/exchanges.hpp"
#include "protocol/plane/item_pages.hpp"

namespace pb::actors {
namespace caldav = protocol::caldav;
namespace plane_ns = protocol::plane;
namespace {

/// What was asked for is what came back: another type here is a bug, not an answer.
template <class T>
const T& as(const protocol::exchange& e) {
  return dynamic_cast<const T&>(e);
}

}  // namespace

plane_ns::api remotes::api_now() const {
  plane_ns::api a = plane;
  if (old_paths->load()) a.items_path = "issues";
  return a;
}

exchange_ptr remotes::read_item(const std::string& project, const std::string& id) const {
  return std::make_shared<plane_ns::read_work_item>(api_now(), project, id);
}

sync::heard remotes::heard_from(const protocol::exchange& read, timestamp requested_at) {
  struct visitor {
    timestamp at;
    sync::heard operator()(const plane_ns::work_item& item) const { return sync::heard_item{item, at, true}; }
    sync::heard operator()(const plane_ns::item_gone&) const { return sync::heard_gone{at}; }
    sync::heard operator()(const plane_ns::project_unreachable& p) const {
      return sync::heard_unreachable{p.archived ? "its project is archived"
                                                : "its project answers " + std::to_string(p.status) + " to this key"};
    }
  };
  return std::visit(visitor{requested_at}, as<plane_ns::read_work_item>(read).reading());
}

exchange_ptr remotes::read_project(const std::string& id) const {
  return std::make_shared<plane_ns::read_project>(api_now(), id);
}
std::optional<plane_ns::project> remotes::project_from(const protocol::exchange& read) {
  return as<plane_ns::read_project>(read).value();
}

exchange_ptr remotes::list_projects() const { return std::make_shared<plane_ns::list_projects_all>(api_now()); }
std::vector<plane_ns::project> remotes::projects_from(const protocol::exchange& list) {
  return as<plane_ns::list_projects_all>(list).values();
}

exchange_ptr remotes::poll_items(const std::string& project, const std::string& watermark) const {
  std::optional<timestamp> down_to;
  if (const auto t = parse_rfc3339(watermark)) down_to = *t;
  return std::make_shared<plane_ns::read_item_pages>(api_now(), project, down_to);
}
exchange_ptr remotes::scan_items(const std::string& project, bool whole) const {
  if (whole) return std::make_shared<plane_ns::read_item_pages>(api_now(), project, std::nullopt);
  return std::make_shared<plane_ns::scan_work_items>(api_now(), project);
}
std::vector<remotes::listed_item> remotes::items_from(const protocol::exchange& listing) {
  std::vector<listed_item> out;
  if (const auto* pages = dynamic_cast<const plane_ns::read_item_pages*>(&listing)) {
    for (const auto& i : pages->items()) out.push_back({i.id, i.updated_at, i.json});
    return out;
  }
  for (const auto& i : as<plane_ns::scan_work_items>(listing).found()) out.push_back({i.id, i.updated_at, {}});
  return out;
}

exchange_ptr remotes::probe_items_path(const std::string& project) const {
  return std::make_shared<plane_ns::probe_items_path>(plane, project);
}
void remotes::learn_items_path(const protocol::exchange& probe) const {
  old_paths->store(as<plane_ns::probe_items_path>(probe).items_path() == "issues");
}

}  // namespace pb::actors

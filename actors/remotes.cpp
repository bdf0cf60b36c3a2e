#include "actors/remotes.hpp"

#include "protocol/caldav/discovery.hpp"
#include "protocol/caldav/exchanges.hpp"
#include "protocol/caldav/href.hpp"
#include "protocol/plane/attach_file.hpp"
#include "protocol/plane/change_item.hpp"
#include "protocol/plane/exchanges.hpp"
#include "protocol/plane/file_type.hpp"
#include "protocol/plane/item_pages.hpp"
#include "protocol/plane/strike_comment.hpp"

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
    sync::heard operator()(const plane_ns::work_item& item) const {
      return sync::heard_item{item, at, true};
    }
    sync::heard operator()(const plane_ns::item_gone&) const { return sync::heard_gone{at}; }
    sync::heard operator()(const plane_ns::project_unreachable& p) const {
      return sync::heard_unreachable{p.archived ? "its project is archived"
                                                : "its project answers " +
                                                      std::to_string(p.status) + " to this key"};
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

exchange_ptr remotes::list_projects() const {
  return std::make_shared<plane_ns::list_projects_all>(api_now());
}
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
  for (const auto& i : as<plane_ns::scan_work_items>(listing).found())
    out.push_back({i.id, i.updated_at, {}});
  return out;
}

exchange_ptr remotes::probe_items_path(const std::string& project) const {
  return std::make_shared<plane_ns::probe_items_path>(plane, project);
}
void remotes::learn_items_path(const protocol::exchange& probe) const {
  old_paths->store(as<plane_ns::probe_items_path>(probe).items_path() == "issues");
}

// Conversations ----------------------------------------------------------------------------------

exchange_ptr remotes::write(const sync::plane_write& asked, const std::string& project,
                            const std::string& item, plane_ns::item_names names,
                            bool possibly_sent) const {
  const auto what = people ? asked : sync::as_integration(asked);
  struct visitor {
    plane_ns::api api;
    const std::string &project, &item;
    plane_ns::item_names names;
    bool possibly_sent;
    exchange_ptr operator()(const sync::comment_creation& w) {
      plane_ns::comment_fields f;
      f.html = sync::html_to_write(w);
      f.external_source = sync::our_source;
      f.external_id = sync::marker_of(w.by.message);
      return std::make_shared<plane_ns::create_item_comment>(api, project, item, std::move(f));
    }
    exchange_ptr operator()(const sync::comment_strike& w) {
      return std::make_shared<plane_ns::strike_comment>(api, project, item, w.comment,
                                                        std::string{sync::our_source},
                                                        sync::marker_of(w.by.message));
    }
    exchange_ptr operator()(const sync::item_update& w) {
      return std::make_shared<plane_ns::change_item>(api, project, item, sync::change_of(w),
                                                     std::move(names));
    }
    exchange_ptr operator()(const sync::thread_wants_item& w) {
      plane_ns::item_fields f;
      f.name = w.name;
      if (!w.html.empty()) f.description_html = w.html;
      f.external_source = std::string{sync::our_source};
      f.external_id = sync::marker_of(w);
      return std::make_shared<plane_ns::create_item>(api, w.project, std::move(f), possibly_sent);
    }
    exchange_ptr operator()(const sync::file_copy& w) {
      return std::make_shared<plane_ns::find_attachment>(
          api, project, item, std::string{sync::our_source},
          sync::marker_of_file(w.by.message, w.what.key));
    }
  };
  return in_their_name(
      what, std::visit(visitor{api_now(), project, item, std::move(names), possibly_sent}, what));
}

exchange_ptr remotes::in_their_name(const sync::plane_write& what, exchange_ptr made) const {
  auto credential = people ? sync::credential_of(what) : std::string{};
  if (credential.empty()) return made;
  return std::make_shared<protocol::with_credential>(std::move(made), std::move(credential));
}

exchange_ptr remotes::attach(const sync::file_copy& what, const std::string& project,
                             const std::string& item, protocol::lark::downloaded file) const {
  plane_ns::new_attachment a;
  a.type = plane_ns::file_type_of(what.what.name, file.content_type, file.bytes);
  a.name = plane_ns::with_ending(what.what.name, a.type);
  a.external_source = sync::our_source;
  a.external_id = sync::marker_of_file(what.by.message, what.what.key);
  a.bytes = std::make_shared<const std::string>(std::move(file.bytes));
  return in_their_name(
      what, std::make_shared<plane_ns::attach_file>(api_now(), project, item, std::move(a)));
}

sync::plane_outcome remotes::outcome_from(const protocol::exchange& written,
                                          const plane_ns::item_names& names) {
  sync::plane_outcome o;
  if (const auto* wrapped = dynamic_cast<const protocol::with_credential*>(&written))
    return outcome_from(wrapped->inner(), names);
  if (const auto* c = dynamic_cast<const plane_ns::create_item_comment*>(&written)) {
    o.comment = c->value().id;
  } else if (const auto* s = dynamic_cast<const plane_ns::strike_comment*>(&written)) {
    o.comment = s->comment_id();
    o.gone = s->gone();
  } else if (const auto* u = dynamic_cast<const plane_ns::change_item*>(&written)) {
    o.item = u->item();
    o.dropped = u->dropped_assignees();
  } else if (const auto* a = dynamic_cast<const plane_ns::attach_file*>(&written)) {
    o.attachment = a->asset();
  } else if (const auto* f = dynamic_cast<const plane_ns::find_attachment*>(&written)) {
    o.attachment = f->asset();
  } else {
    o.item = as<plane_ns::create_item>(written).item();
    plane_ns::take_names(*o.item, names);
  }
  return o;
}

exchange_ptr remotes::read_comment(const std::string& project, const std::string& item,
                                   const std::string& comment) const {
  return std::make_shared<plane_ns::read_comment>(api_now(), project, item, comment);
}
std::optional<plane_ns::comment> remotes::comment_from(const protocol::exchange& read) {
  return as<plane_ns::read_comment>(read).value();
}

// Calendars --------------------------------------------------------------------------------------

caldav::host_policy remotes::hosts() const { return caldav::host_policy{caldav_url}; }

std::string remotes::event_href(const std::string& calendar, const std::string& uid) {
  return caldav::event_href(calendar, uid);
}

exchange_ptr remotes::put_event(const put_request& r) const {
  caldav::put_event_request q;
  q.calendar = r.calendar_href;
  q.href = r.event_href;
  q.wanted = r.wanted;
  q.known_etag = r.etag;
  q.known_hash = r.hash;
  q.known_text = r.text;
  q.base_labels = r.base_labels;
  q.last_sequence = r.last_sequence;
  if (r.alarm_minutes) q.alarm = std::chrono::minutes{*r.alarm_minutes};
  q.now = r.now;
  return std::make_shared<caldav::put_event_exchange>(std::move(q), hosts());
}
put_result remotes::put_from(const protocol::exchange& put) {
  const auto& o = as<caldav::put_event_exchange>(put).outcome();
  return {o.href, o.etag, o.hash, o.text, o.labels, o.sequence, o.wrote, o.put_back, o.foreign};
}
exchange_ptr remotes::delete_event(const std::string& href, const std::string& etag) const {
  return std::make_shared<caldav::delete_event_exchange>(caldav::delete_event_request{href, etag},
                                                         hosts());
}

exchange_ptr remotes::discover() const {
  return std::make_shared<caldav::discover_exchange>(caldav_url);
}
remotes::calendar_home remotes::home_from(const protocol::exchange& discovery) {
  const auto& found = as<caldav::discover_exchange>(discovery).found();
  calendar_home h;
  if (!found.homes.empty())
    h.home = found.homes.front();
  else if (!found.calendars.empty())
    h.fixed = found.calendars.front().href;
  for (const auto& c : found.calendars) h.calendars.push_back(c.href);
  return h;
}

namespace {
std::string slug_of(const std::string& project) {
  return project.empty() ? std::string{caldav::single_calendar_slug}
                         : caldav::calendar_slug(project);
}
}  // namespace

std::string remotes::calendar_href(const std::string& home, const std::string& project) {
  return caldav::calendar_href(home, slug_of(project));
}
exchange_ptr remotes::ensure_calendar(const std::string& home, const std::string& project,
                                      const std::string& display_name) const {
  caldav::ensure_calendar_request q;
  q.home = home;
  q.slug = slug_of(project);
  q.properties.name = display_name;
  return std::make_shared<caldav::ensure_calendar_exchange>(std::move(q), hosts());
}
std::string remotes::calendar_from(const protocol::exchange& ensured) {
  return as<caldav::ensure_calendar_exchange>(ensured).calendar().href;
}
exchange_ptr remotes::list_events(const std::string& calendar) const {
  return std::make_shared<caldav::list_events_exchange>(calendar, hosts());
}
std::vector<remotes::listed_event> remotes::events_from(const protocol::exchange& listing) {
  std::vector<listed_event> out;
  for (const auto& e : as<caldav::list_events_exchange>(listing).events())
    out.push_back({e.href, e.etag});
  return out;
}

}  // namespace pb::actors

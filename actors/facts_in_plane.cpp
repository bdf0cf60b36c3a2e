// The half of facts_lookup that looks into Plane: projects and work items.
#include <algorithm>
#include <charconv>
#include <map>

#include "actors/asking.hpp"
#include "actors/each_mapping.hpp"
#include "actors/facts_lookup.hpp"
#include "protocol/html/plain_text.hpp"
#include "protocol/plane/exchanges.hpp"
#include "protocol/plane/urls.hpp"

namespace pb::actors {
namespace plane_ns = protocol::plane;
using persistence::reader;

namespace {

constexpr std::size_t excerpt_bytes = 400;
constexpr std::size_t most_projects_tried = 10;

/// GET of one item by "WEB-42", which names its project in letters.
class read_by_number final : public protocol::exchange {
public:
  read_by_number(plane_ns::api a, std::string identifier, std::int64_t sequence)
      : api_(std::move(a)), identifier_(std::move(identifier)), sequence_(sequence) {}
  protocol::step start() override {
    return protocol::call{plane_ns::get_by_identifier(api_, identifier_, sequence_), operation,
                          true};
  }
  protocol::step on_response(const protocol::http_response& answer) override {
    if (answer.status == 200) {
      auto read = plane_ns::parse_work_item(answer.body, operation);
      if (!read) return read.error();
      item_ = std::move(*read);
      return protocol::finished{};
    }
    return plane_ns::classify(answer, operation);
  }
  [[nodiscard]] const plane_ns::work_item& item() const noexcept { return item_; }

private:
  static constexpr const char* operation = "plane.get_by_identifier";
  plane_ns::api api_;
  std::string identifier_;
  std::int64_t sequence_;
  plane_ns::work_item item_;
};

sync::item_fact::found how_missing(const failure& f) {
  return f.code == errc::forbidden ? sync::item_fact::found::forbidden : sync::item_fact::found::no;
}

}  // namespace

// Projects ----------------------------------------------------------------------------------------

struct facts_lookup::project_steps {
  sync::need what;
  urgency how;
  done then;
  sync::project_facts is;
};

void facts_lookup::project(const sync::need& n, urgency how, done then) {
  auto s = std::make_shared<project_steps>(project_steps{n, how, std::move(then), {}});
  plane(n, from_.calls->read_project(n.key), how,
        [self = shared_from_this(), s](const performed& p) {
          if (p.failed) {
            if (!is_nothing(*p.failed)) return s->then(not_had(s->what, *p.failed));
            auto a = found(s->what);
            a.found.projects[s->what.key] = std::nullopt;
            return s->then(std::move(a));
          }
          s->is.project = as<plane_ns::read_project>(p).value();
          self->from_.ctx->projects.put(s->is.project, self->from_.ctx->clock.now());
          self->project_details(s);
        });
}

void facts_lookup::project_details(const std::shared_ptr<project_steps>& s) {
  auto self = shared_from_this();
  plane(s->what, std::make_shared<plane_ns::list_states_all>(from_.calls->api_now(), s->what.key),
        s->how, [self, s](const performed& p) {
          if (p.failed) return s->then(not_had(s->what, *p.failed));
          for (const auto& st : as<plane_ns::list_states_all>(p).values())
            s->is.states.push_back({st.id, st.name, st.group});
          self->plane(s->what,
                      std::make_shared<plane_ns::list_labels_all>(self->from_.calls->api_now(),
                                                                  s->what.key),
                      s->how, [self, s](const performed& q) {
                        if (q.failed) return s->then(not_had(s->what, *q.failed));
                        for (const auto& l : as<plane_ns::list_labels_all>(q).values())
                          s->is.labels.push_back({l.id, l.name});
                        self->project_people(s);
                      });
        });
}

void facts_lookup::project_people(const std::shared_ptr<project_steps>& s) {
  constexpr std::int64_t guest_role = 5;
  auto self = shared_from_this();
  plane(s->what, std::make_shared<plane_ns::list_members_all>(from_.calls->api_now(), s->what.key),
        s->how, [self, s](const performed& p) {
          if (p.failed) return s->then(not_had(s->what, *p.failed));
          for (const auto& m : as<plane_ns::list_members_all>(p).values())
            s->is.members.push_back({m.user, {}, m.role == guest_role});
          self->workspace_members(s->how, [self, s](const result<members>& all) {
            if (!all) return s->then(not_had(s->what, all.error()));
            // Only the workspace's list has roles.
            std::map<std::string_view, std::int64_t> roles;
            for (const auto& m : **all) roles.emplace(m.user.id, m.role);
            for (auto& m : s->is.members)
              if (const auto it = roles.find(m.user.id); it != roles.end())
                m.guest = it->second == guest_role;
            self->read(s->what, s->then, [s](reader& r, const done& to) {
              std::map<std::string, std::string> known;  // Plane's uuid → open_id
              const auto read = each_mapping(r, [&known](const auto& row) {
                if (row.left || row.plane_user.empty()) return;
                // The one entered by hand counts before others.
                if (row.how == persistence::mapped_by::manual)
                  known[row.plane_user] = row.open_id;
                else
                  known.emplace(row.plane_user, row.open_id);
              });
              if (!read) return to(not_had(s->what, read.error()));
              for (auto& m : s->is.members)
                if (const auto it = known.find(m.user.id); it != known.end())
                  m.open_id = it->second;
              auto a = found(s->what);
              a.found.projects[s->what.key] = std::move(s->is);
              to(std::move(a));
            });
          });
        });
}

void facts_lookup::projects(const sync::need& n, urgency how, done then) {
  plane(n, from_.calls->list_projects(), how,
        [self = shared_from_this(), n, then = std::move(then)](const performed& p) {
          if (p.failed) return then(not_had(n, *p.failed));
          auto a = found(n);
          a.found.all_projects = remotes::projects_from(*p.what);
          for (const auto& one : *a.found.all_projects)
            self->from_.ctx->projects.put(one, self->from_.ctx->clock.now());
          then(std::move(a));
        });
}

// Work items --------------------------------------------------------------------------------------

void facts_lookup::item(const sync::need& n, urgency how, done then) {
  const auto slash = n.key.find('/');
  if (slash == std::string::npos) return item_by_number(n, how, std::move(then));
  const auto project = n.key.substr(0, slash), id = n.key.substr(slash + 1);
  if (!is_uuid(id) || (!project.empty() && !is_uuid(project)))
    return then(not_had(n, failure{errc::bad_input, "facts", "no key of a work item"}));
  if (project.empty()) return item_anywhere(n, id, how, std::move(then));
  item_of(n, project, id, how, std::move(then));
}

void facts_lookup::item_by_number(const sync::need& n, urgency how, done then) {
  const auto dash = n.key.rfind('-');
  std::int64_t sequence = 0;
  const auto digits =
      dash == std::string::npos ? std::string_view{} : std::string_view{n.key}.substr(dash + 1);
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), sequence);
  if (digits.empty() || dash == 0 || r.ec != std::errc{} ||
      r.ptr != digits.data() + digits.size() || sequence < 1)
    return then(not_had(n, failure{errc::bad_input, "facts", "no number of a work item"}));
  plane(n,
        std::make_shared<read_by_number>(from_.calls->api_now(), n.key.substr(0, dash), sequence),
        how, [self = shared_from_this(), n, how, then = std::move(then)](const performed& p) {
          if (!p.failed) return self->show(n, as<read_by_number>(p).item(), how, then);
          if (!is_nothing(*p.failed)) return then(not_had(n, *p.failed));
          auto a = found(n);
          a.found.items[n.key].how = how_missing(*p.failed);
          then(std::move(a));
        });
}

void facts_lookup::item_of(const sync::need& n, const std::string& project, const std::string& id,
                           urgency how, done then) {
  plane(n, from_.calls->read_item(project, id), how,
        [self = shared_from_this(), n, how, then = std::move(then)](const performed& p) {
          auto a = found(n);
          auto& entry = a.found.items[n.key];
          if (p.failed) {
            if (!is_nothing(*p.failed)) return then(not_had(n, *p.failed));
            entry.how = how_missing(*p.failed);
            return then(std::move(a));
          }
          const auto& reading = as<plane_ns::read_work_item>(p).reading();
          if (const auto* item = std::get_if<plane_ns::work_item>(&reading))
            return self->show(n, *item, how, then);
          entry.how = std::holds_alternative<plane_ns::project_unreachable>(reading)
                          ? sync::item_fact::found::forbidden
                          : sync::item_fact::found::no;
          then(std::move(a));
        });
}

/// A published board names no project: our store may know it, else a few projects are tried.
void facts_lookup::item_anywhere(const sync::need& n, const std::string& id, urgency how,
                                 done then) {
  read(n, std::move(then), [self = shared_from_this(), n, id, how](reader& r, const done& to) {
    const auto state = r.entity(entity_key::plane_issue(id));
    if (!state) return to(not_had(n, state.error()));
    if (state->row && !state->row->parent.empty())
      return self->item_of(n, state->row->parent, id, how, to);
    std::vector<std::string> projects;
    for (const auto& p : self->from_.ctx->projects.all())
      if (p.is_member && projects.size() < most_projects_tried) projects.push_back(p.id);
    self->item_among(n, id, std::move(projects), how, to);
  });
}

void facts_lookup::item_among(const sync::need& n, std::string id,
                              std::vector<std::string> projects, urgency how, done then) {
  if (projects.empty()) {
    auto a = found(n);
    a.found.items[n.key].how = sync::item_fact::found::no;
    return then(std::move(a));
  }
  const auto first = projects.back();
  projects.pop_back();
  item_of(n, first, id, how,
          [self = shared_from_this(), n, id, projects = std::move(projects), how,
           then = std::move(then)](fact_answer a) mutable {
            const auto it = a.found.items.find(n.key);
            if (a.failed ||
                (it != a.found.items.end() && it->second.how == sync::item_fact::found::yes))
              return then(std::move(a));
            self->item_among(n, std::move(id), std::move(projects), how, std::move(then));
          });
}

void facts_lookup::show(const sync::need& n, const plane_ns::work_item& item, urgency how,
                        done then) {
  sync::item_view v;
  v.id = item.id;
  v.project = item.project;
  v.sequence = item.sequence_id;
  v.name = item.name;
  if (item.state) v.state = *item.state;
  v.prio = item.prio;
  v.assignees = item.assignees;
  v.labels = item.labels;
  v.start_date = item.start_date;
  v.target_date = item.target_date;
  v.archived = !item.archived_at.empty();
  v.gone = !item.deleted_at.empty();
  protocol::html::plain_text_options cut;
  cut.output_limit = excerpt_bytes;
  v.excerpt = protocol::html::to_plain_text(item.description_html, cut);
  const auto finish = [self = shared_from_this(), n, then](sync::item_view shown) {
    const auto& page = self->from_.ctx->opt().rendering;
    shown.url = plane_ns::item_page_url(page.app_url, page.workspace_slug, shown.identifier,
                                        shown.sequence, shown.project, shown.id);
    auto a = found(n);
    a.found.items[n.key] = {sync::item_fact::found::yes, std::move(shown)};
    then(std::move(a));
  };
  if (const auto p = from_.ctx->projects.find(v.project)) {
    v.identifier = p->identifier;
    return finish(std::move(v));
  }
  auto project = from_.calls->read_project(v.project);
  plane(n, std::move(project), how,
        [self = shared_from_this(), v = std::move(v), finish](const performed& p) mutable {
          // Without it the item is called by its uuid, which is no reason to fail.
          if (!p.failed) {
            const auto& read_of = as<plane_ns::read_project>(p).value();
            self->from_.ctx->projects.put(read_of, self->from_.ctx->clock.now());
            v.identifier = read_of.identifier;
          }
          finish(std::move(v));
        });
}

}  // namespace pb::actors

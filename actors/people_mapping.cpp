#include "actors/people_mapping.hpp"

#include <boost/json.hpp>
#include <map>
#include <set>
#include <utility>

#include "actors/asking.hpp"
#include "actors/each_mapping.hpp"
#include "actors/facts_lookup.hpp"
#include "protocol/lark/exchanges.hpp"

namespace pb::actors {
namespace json = boost::json;
namespace lark_ns = protocol::lark;
using persistence::reader;

namespace {

/// One run, from the list of members to the rows.
struct run : std::enable_shared_from_this<run> {
  run(facts_sources f, bool dry, std::function<void(result<people_report>)> d)
      : from(std::move(f)), dry_run(dry), done(std::move(d)) {}

  facts_sources from;
  bool dry_run;
  std::function<void(result<people_report>)> done;
  people_report report;
  facts_lookup::members members;
  std::set<std::string> known_people, known_members;        ///< open_ids, Plane's uuids
  std::map<std::string, protocol::plane::user_ref> wanted;  ///< by address, in lower case

  void start() {
    std::make_shared<facts_lookup>(from)->workspace_members(
        urgency::repair, [self = shared_from_this()](result<facts_lookup::members> all) {
          if (!all) return self->done(all.error());
          self->members = std::move(*all);
          self->from.ctx->store.read([self](result<reader*> r) {
            if (!r) return self->done(r.error());
            self->read_known(**r);
          });
        });
  }

  void read_known(reader& r) {
    const auto read = each_mapping(r, [this](const auto& row) {
      // By hand also means: to nobody, on purpose.
      if (!row.plane_user.empty() || row.how == persistence::mapped_by::manual || row.left)
        known_people.insert(row.open_id);
      if (!row.plane_user.empty() && !row.left) known_members.insert(row.plane_user);
    });
    if (!read) return done(read.error());
    choose();
  }

  void choose() {
    std::set<std::string> twice;
    for (const auto& m : *members) {
      ++report.members;
      if (known_members.contains(m.user.id)) {
        ++report.known;
        continue;
      }
      const auto email = lower_ascii(m.user.email);
      if (email.empty()) {
        leave(m.user, "Plane shows no e-mail address");
      } else if (const auto [it, fresh] = wanted.emplace(email, m.user); !fresh) {
        leave(m.user, "another member has the same e-mail address");
        twice.insert(email);
      }
    }
    for (const auto& email : twice) {
      leave(wanted[email], "another member has the same e-mail address");
      wanted.erase(email);
    }
    if (wanted.empty()) return done(std::move(report));
    std::vector<std::string> emails;
    for (const auto& [email, user] : wanted) emails.push_back(email);
    ask_remote(from.lark, std::make_shared<lark_ns::look_up_people>(from.lark_api, emails),
               urgency::repair, "mapping of people", from.ctx->clock.now(),
               [self = shared_from_this()](const performed& p) {
                 if (p.failed) return self->done(*p.failed);
                 self->match(as<lark_ns::look_up_people>(p).values());
               });
  }

  void match(const std::vector<lark_ns::found_person>& found) {
    persistence::write unit;
    for (const auto& f : found) {
      const auto it = wanted.find(lower_ascii(f.email));
      if (it == wanted.end()) continue;
      const auto user = it->second;
      wanted.erase(it);
      if (f.open_id.empty()) {
        leave(user, "nobody in Feishu has this e-mail address, or the app may not see them");
      } else if (f.resigned) {
        leave(user, "has left in Feishu");
      } else if (!known_people.insert(f.open_id).second) {
        leave(user, "this person in Feishu is mapped to another member, or by hand to nobody");
      } else {
        persistence::user_mapping_row row;
        row.open_id = f.open_id;
        row.name = user.display_name;
        row.email = f.email;
        row.plane_user = user.id;
        row.how = persistence::mapped_by::automatic;
        row.changed_at = from.ctx->clock.now();
        unit.user_mappings.push_back(std::move(row));
        ++report.mapped;
      }
    }
    for (const auto& [email, user] : wanted) leave(user, "Feishu did not answer for this address");
    if (dry_run || unit.user_mappings.empty()) return done(std::move(report));
    from.ctx->store.submit(std::move(unit),
                           [self = shared_from_this()](const result<persistence::written>& w) {
                             if (!w) return self->done(w.error());
                             self->done(std::move(self->report));
                           });
  }

  void leave(const protocol::plane::user_ref& u, std::string why) {
    report.left.push_back({u.id, u.display_name, u.email, std::move(why)});
  }
};

}  // namespace

void map_people(const facts_sources& from, bool dry_run,
                std::function<void(result<people_report>)> done) {
  std::make_shared<run>(from, dry_run, std::move(done))->start();
}

std::string to_json(const people_report& r) {
  json::array left;
  for (const auto& m : r.left)
    left.push_back(json::object{
        {"plane_user", m.plane_user}, {"name", m.name}, {"email", m.email}, {"why", m.why}});
  return json::serialize(json::object{
      {"members", r.members}, {"known", r.known}, {"mapped", r.mapped}, {"left", std::move(left)}});
}

}  // namespace pb::actors

#include "http/mapping_endpoints.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "http/api_answer.hpp"
#include "sync/channel_options.hpp"

namespace pb::http {
namespace json = boost::json;
using namespace persistence;
namespace {

constexpr std::size_t object_bytes = 64u << 10;
constexpr std::size_t import_bytes = 2u << 20;
constexpr std::size_t mappings_at_once = 1'000;
constexpr std::size_t mistakes_listed = 20;

using deps_ptr = std::shared_ptr<const mapping_dependencies>;

/// What differs between the two kinds. A row is compared without the time of its change.
struct users {
  using row = user_mapping_row;
  static constexpr mapping_kind kind = mapping_kind::user;
  static constexpr std::string_view path = "/admin/mappings/users";
  static constexpr std::string_view one = "/admin/mappings/users/{open_id}";
  static constexpr std::size_t key_fields = 1;
  static std::span<const std::string_view> fields() { return user_fields(); }

  static std::string key(const row& r) { return r.open_id; }
  static std::string told(const row& r) { return r.open_id; }
  static result<std::vector<row>> page(reader& from, const std::string& after, std::size_t n) {
    return from.user_mappings(after, n);
  }
  static std::optional<std::string> set(row& r, const given_field& f, const deps_ptr&) {
    return set_field(r, f.name, f.value);
  }
  static json::object shown(const row& r) { return to_json(r); }
  static bool same(const row& a, const row& b) {
    return std::tie(a.union_id, a.name, a.email, a.plane_user, a.how, a.left) ==
           std::tie(b.union_id, b.name, b.email, b.plane_user, b.how, b.left);
  }
  static void set_by_hand(row& r) {
    r.how = mapped_by::manual;
    r.left = false;
  }
  static void put(write& unit, const row* before, const row& now) {
    unit.user_mappings.push_back(now);
    // Their own API key writes as the Plane user they were.
    if (before != nullptr && (now.removed || before->plane_user != now.plane_user))
      unit.credentials.push_back(
          {now.tenant, personal_key_credential(now.open_id), "", "", now.changed_at});
  }
  static void settle(std::map<std::string, row>&, const std::vector<row>&, write&, timestamp) {}
  static std::vector<row_mistake> contradictions(const std::vector<std::pair<row, csv_place>>&) {
    return {};
  }
};

struct channels {
  struct row {
    sync::channel_mapping what;
    timestamp changed_at{};
    bool removed = false;
  };
  static constexpr mapping_kind kind = mapping_kind::channel;
  static constexpr std::string_view path = "/admin/mappings/channel-project";
  static constexpr std::string_view one = "/admin/mappings/channel-project/{chat}/{project}";
  static constexpr std::size_t key_fields = 2;
  static std::span<const std::string_view> fields() { return channel_fields(); }

  static std::string key(const row& r) { return r.what.chat + "/" + r.what.project; }
  static std::string told(const row& r) { return r.what.chat; }
  static result<std::vector<row>> page(reader& from, const std::string& after, std::size_t n) {
    const auto slash = std::min(after.find('/'), after.size());
    const auto project = slash < after.size() ? after.substr(slash + 1) : std::string{};
    auto rows = from.all_channel_mappings(after.substr(0, slash), project, n);
    if (!rows) return rows.error();
    std::vector<row> out;
    for (const auto& r : *rows) {
      auto what = sync::read_channel_mapping(r.chat, r.project, r.options);
      // One that does not read is shown as it would be without options, so that it can be mended.
      out.push_back({what ? std::move(*what) : bare(r.chat, r.project), r.changed_at, false});
    }
    return out;
  }
  static sync::channel_mapping bare(const std::string& chat, const std::string& project) {
    sync::channel_mapping m;
    m.chat = chat;
    m.project = project;
    return m;
  }
  static std::optional<std::string> set(row& r, const given_field& f, const deps_ptr& deps) {
    return set_field(r.what, f.name, f.value, deps->resolve_project);
  }
  static json::object shown(const row& r) { return to_json(r.what, r.changed_at); }
  static bool same(const row& a, const row& b) {
    return sync::channel_options(a.what) == sync::channel_options(b.what);
  }
  static void set_by_hand(row&) {}
  static void put(write& unit, const row*, const row& now) {
    channel_mapping_row r;
    r.chat = now.what.chat;
    r.project = now.what.project;
    r.options = sync::channel_options(now.what);
    r.changed_at = now.changed_at;
    r.removed = now.removed;
    unit.channel_mappings.push_back(std::move(r));
  }
  /// A chat has one default project: the one that was set last.
  static void settle(std::map<std::string, row>& all, const std::vector<row>& set, write& unit,
                     timestamp now) {
    for (const auto& s : set) {
      if (!s.what.is_default) continue;
      for (auto& [key, other] : all) {
        if (other.what.chat != s.what.chat || other.what.project == s.what.project ||
            !other.what.is_default)
          continue;
        other.what.is_default = false;
        other.changed_at = now;
        put(unit, nullptr, other);
      }
    }
  }
  static std::vector<row_mistake> contradictions(
      const std::vector<std::pair<row, csv_place>>& rows) {
    std::map<std::string, csv_place> defaults;
    std::vector<row_mistake> out;
    for (const auto& [r, at] : rows) {
      if (!r.what.is_default) continue;
      const auto [first, fresh] = defaults.emplace(r.what.chat, at);
      if (!fresh)
        out.push_back({at, "default",
                       "line " + std::to_string(first->second.line) +
                           " makes another project the default of this chat"});
    }
    return out;
  }
};

std::string sentence_of(const row_mistake& m) {
  std::string out;
  if (m.at.line != 0)
    out = "line " + std::to_string(m.at.line) + ", column " + std::to_string(m.at.column) + ": ";
  if (!m.field.empty()) out += m.field + ": ";
  return out + m.message;
}

response mistakes_response(const request& r, const std::vector<row_mistake>& all) {
  json::array listed;
  for (std::size_t i = 0; i < std::min(all.size(), mistakes_listed); ++i) {
    json::object one{{"field", all[i].field}, {"message", as_utf8(all[i].message)}};
    if (all[i].at.line != 0) {
      one["line"] = all[i].at.line;
      one["column"] = all[i].at.column;
    }
    listed.push_back(std::move(one));
  }
  const json::object details{{"mistakes", std::move(listed)}, {"count", all.size()}};
  auto message = as_utf8(sentence_of(all.front()));
  if (all.size() > 1) message += " (and " + std::to_string(all.size() - 1) + " more)";
  return error_response(400, "BAD_REQUEST", message, r.id, json::serialize(details));
}

template <class Kind>
class mappings : public std::enable_shared_from_this<mappings<Kind>> {
  using row = typename Kind::row;
  using known_rows = std::map<std::string, row>;

public:
  explicit mappings(deps_ptr deps) : deps_(std::move(deps)) {}

  void list(const std::shared_ptr<request>& r, const responder& answer) const {
    const auto limit = limit_of(*r);
    if (!limit) return answer(bad_request(*r, "limit", "a number from 1 to 200"));
    deps_->store.read([r, answer, limit = *limit](result<reader*> from) {
      if (!from) return answer(failure_response(*r, from.error()));
      auto rows = Kind::page(**from, r->query_value("cursor"), limit + 1);
      if (!rows) return answer(failure_response(*r, rows.error()));
      list_page page;
      const bool more = rows->size() > limit;
      if (more) rows->resize(limit);
      for (const auto& one : *rows) page.rows.push_back(Kind::shown(one));
      if (more) page.next_cursor = as_utf8(Kind::key(rows->back()));
      answer(page_response(std::move(page)));
    });
  }

  void upsert(const std::shared_ptr<request>& r, const responder& answer) const {
    take(read_object(*r->body, Kind::fields(), Kind::key_fields), r, answer, false);
  }
  void import(const std::shared_ptr<request>& r, const responder& answer) const {
    take(read_file(*r->body, Kind::fields(), Kind::key_fields), r, answer, true);
  }

  void remove(const std::shared_ptr<request>& r, const responder& answer) const {
    row wanted;
    for (const auto& [name, text] : r->path_params)
      if (const auto wrong = Kind::set(wanted, {name, {text, {}}, {}}, deps_))
        return answer(mistakes_response(*r, {{{}, name, *wrong}}));
    with_known(r, answer, [self = this->shared_from_this(), r, answer, wanted](known_rows all) {
      const auto at = all.find(Kind::key(wanted));
      if (at == all.end()) return answer(not_found(*r, "mapping"));
      auto gone = at->second;
      gone.removed = true;
      gone.changed_at = self->deps_->clock.now();
      write unit;
      Kind::put(unit, &at->second, gone);
      self->submit(std::move(unit), {Kind::told(gone)}, "deleted", r, answer,
                   data_response(R"({"deleted":1})"));
    });
  }

private:
  /// Rows that are right by themselves, in the order of the file, with where each begins.
  using checked_rows = std::vector<std::pair<row, csv_place>>;
  static csv_place place_of(const given_row& g) {
    return g.empty() ? csv_place{} : csv_place{g.front().at.line, 1};
  }
  static void apply(row& to, const given_row& from, const deps_ptr& deps,
                    std::vector<row_mistake>* mistakes) {
    for (const auto& f : from)
      if (auto wrong = Kind::set(to, f, deps); wrong && mistakes != nullptr)
        mistakes->push_back({f.at, f.name, std::move(*wrong)});
  }

  void take(given_file given, const std::shared_ptr<request>& r, const responder& answer,
            bool is_file) const {
    checked_rows checked;
    std::map<std::string, std::size_t> lines;
    for (const auto& g : given.rows) {
      row one;
      const auto before = given.mistakes.size();
      apply(one, g, deps_, &given.mistakes);
      const auto at = place_of(g);
      if (given.mistakes.size() == before) {
        const auto [first, fresh] = lines.emplace(Kind::key(one), at.line);
        if (!fresh)
          given.mistakes.push_back(
              {at, {}, "the same mapping as in line " + std::to_string(first->second)});
      }
      checked.emplace_back(std::move(one), at);
    }
    if (given.mistakes.empty()) given.mistakes = Kind::contradictions(checked);
    if (!given.mistakes.empty()) {
      std::stable_sort(given.mistakes.begin(), given.mistakes.end(),
                       [](const auto& a, const auto& b) { return a.at.line < b.at.line; });
      return answer(mistakes_response(*r, given.mistakes));
    }
    with_known(r, answer,
               [self = this->shared_from_this(), r, answer, is_file, rows = std::move(given.rows),
                checked = std::move(checked)](known_rows all) {
                 self->merge(rows, checked, std::move(all), r, answer, is_file);
               });
  }

  void merge(const std::vector<given_row>& given, const checked_rows& checked, known_rows all,
             const std::shared_ptr<request>& r, const responder& answer, bool is_file) const {
    const auto now = deps_->clock.now();
    write unit;
    std::vector<std::string> told;
    std::vector<row> set;
    std::size_t created = 0, changed = 0, unchanged = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto key = Kind::key(checked[i].first);
      const auto at = all.find(key);
      const bool known = at != all.end();
      row next = known ? at->second : checked[i].first;
      apply(next, given[i], deps_, nullptr);
      Kind::set_by_hand(next);
      set.push_back(next);
      if (known && Kind::same(at->second, next)) {
        ++unchanged;
        continue;
      }
      next.changed_at = set.back().changed_at = now;
      ++(known ? changed : created);
      Kind::put(unit, known ? &at->second : nullptr, next);
      told.push_back(Kind::told(next));
      all[key] = next;
    }
    Kind::settle(all, set, unit, now);
    const auto counts = json::object{{"rows", given.size()},
                                     {"created", created},
                                     {"changed", changed},
                                     {"unchanged", unchanged}};
    auto done = is_file ? data_response(json::serialize(counts))
                        : data_response(json::serialize(Kind::shown(set.front())),
                                        created == 1 ? 201 : 200);
    if (told.empty() || (is_file && r->query_value("dry_run") == "1"))
      return answer(std::move(done));
    submit(std::move(unit), std::move(told), "set", r, answer, std::move(done));
  }

  /// All there are, by key: a few thousand at most.
  template <class Then>
  void with_known(const std::shared_ptr<request>& r, const responder& answer, Then then) const {
    deps_->store.read([r, answer, then = std::move(then)](result<reader*> from) {
      if (!from) return answer(failure_response(*r, from.error()));
      known_rows all;
      for (std::string after;;) {
        auto some = Kind::page(**from, after, mappings_at_once);
        if (!some) return answer(failure_response(*r, some.error()));
        const bool last = some->size() < mappings_at_once;
        for (auto& one : *some) {
          after = Kind::key(one);
          all.insert_or_assign(after, std::move(one));
        }
        if (last) break;
      }
      then(std::move(all));
    });
  }

  void submit(write unit, std::vector<std::string> told, std::string_view how,
              const std::shared_ptr<request>& r, const responder& answer, response done) const {
    deps_->store.submit(std::move(unit), [self = this->shared_from_this(), told = std::move(told),
                                          how, r, answer,
                                          done = std::move(done)](const result<written>& w) {
      if (!w) return answer(failure_response(*r, w.error()));
      log::info("mappings changed",
                {log::kv("kind", Kind::kind == mapping_kind::user ? "user" : "channel"),
                 log::kv("how", how), log::kv("count", told.size()), log::kv("first", told.front()),
                 log::kv("request", r->id), log::kv("peer", r->peer)});
      if (self->deps_->changed)
        for (const auto& key : told) self->deps_->changed(Kind::kind, key);
      answer(done);
    });
  }

  deps_ptr deps_;
};

template <class Kind>
void add_routes(std::vector<route>& out, const deps_ptr& deps) {
  const auto at = std::make_shared<mappings<Kind>>(deps);
  const auto add = [&](const char* method, std::string pattern, std::size_t bytes,
                       std::vector<std::string> types,
                       void (mappings<Kind>::*handle)(const std::shared_ptr<request>&,
                                                      const responder&) const) {
    route r;
    r.method = method;
    r.pattern = std::move(pattern);
    r.keep_body_bytes = bytes;
    r.content_types = std::move(types);
    r.handle =
        deps->auth.guard([at, handle](const std::shared_ptr<request>& asked,
                                      const responder& answer) { ((*at).*handle)(asked, answer); });
    // Nobody without the token has a body of this size read.
    r.refuse_unread = [auth = deps->auth](const request& asked) { return auth.refusal(asked); };
    out.push_back(std::move(r));
  };
  const std::string path{Kind::path};
  add("GET", path, 0, {}, &mappings<Kind>::list);
  add("POST", path, object_bytes, {"application/json"}, &mappings<Kind>::upsert);
  add("POST", path + "/import", import_bytes, {"text/csv"}, &mappings<Kind>::import);
  add("DELETE", std::string{Kind::one}, 0, {}, &mappings<Kind>::remove);
}

route match_route(const deps_ptr& deps) {
  route r;
  r.method = "POST";
  r.pattern = std::string{users::path} + "/match";
  r.handle =
      deps->auth.guard([deps](const std::shared_ptr<request>& asked, const responder& answer) {
        if (!deps->match)
          return answer(failure_response(
              *asked, failure{errc::key_missing, "mappings", "Feishu is not configured",
                              "set lark.app_id and lark.app_secret"}));
        const bool dry_run = asked->query_value("dry_run") == "1";
        deps->match(dry_run, [asked, answer, dry_run](const result<std::string>& report) {
          if (!report) return answer(failure_response(*asked, report.error()));
          if (!dry_run)
            log::info("people were mapped by e-mail",
                      {log::kv("request", asked->id), log::kv("peer", asked->peer)});
          answer(data_response(*report));
        });
      });
  r.refuse_unread = [auth = deps->auth](const request& asked) { return auth.refusal(asked); };
  return r;
}

}  // namespace

std::string personal_key_credential(std::string_view open_id) {
  return "lark.person." + std::string{open_id};
}
std::string refused_key_state(std::string_view open_id) {
  return "lark.key_refused/" + std::string{open_id};
}
std::string which_key(const credential_row& row) {
  return std::to_string(to_micros(row.changed_at));
}

std::vector<route> mapping_routes(const mapping_dependencies& needs) {
  const auto deps = std::make_shared<const mapping_dependencies>(needs);
  std::vector<route> out;
  add_routes<users>(out, deps);
  out.push_back(match_route(deps));
  add_routes<channels>(out, deps);
  return out;
}

void add_mapping_endpoints(server& to, const mapping_dependencies& needs) {
  for (auto& r : mapping_routes(needs)) to.add(std::move(r));
}

}  // namespace pb::http

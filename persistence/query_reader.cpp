#include "persistence/query_reader.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_map>

#include "persistence/row_taking.hpp"

namespace pb::persistence {
namespace {

const std::string delivery_facts =
    "d.seq, d.tenant_id, d.source, d.form, d.event, d.entity, d.received_at, d.status, d.reason, "
    "d.attempts, d.remote_id";
const std::string with_bodies = delivery_facts + ", b.body";
const std::string join_bodies = " JOIN bodies b ON b.seq = d.seq";
const std::string join_deliveries = "open_deliveries o JOIN deliveries d ON d.seq = o.seq";
const std::string effect_columns =
    "id, tenant_id, entity, integration, kind, operation, object, revision, payload, "
    "idempotency_key, "
    "rule, status, attempts, created_at, due_at, cause, last_error, remote_id, finished_at";
const std::string link_columns =
    "tenant_id, entity, integration, object, remote_id, state, base, changed_at";
const std::string entity_columns =
    "key, tenant_id, parent, cursor, known, tombstone, changed_at, source_time";

/// "a, b" → "e.a, e.b".
std::string prefixed(std::string_view table, const std::string& columns) {
  std::string out;
  bool begins = true;
  for (const char c : columns) {
    if (begins && c != ' ') {
      out += table;
      out += '.';
      begins = false;
    }
    out += c;
    if (c == ',') begins = true;
  }
  return out;
}

delivery delivery_of(result_row& r) {
  taking t{r};
  delivery d;
  d.seq = t.number();
  d.tenant = t.text();
  d.source = t.text();
  d.form = t.text();
  d.event = t.text();
  d.entity = t.key();
  d.received_at = t.time();
  d.status = static_cast<delivery_status>(t.number());
  d.reason = t.text();
  d.attempts = t.small();
  d.remote_id = t.text();
  d.body = std::make_shared<const std::string>(t.more() ? t.text() : std::string{});
  return d;
}

effect effect_of(result_row& r) {
  taking t{r};
  effect e;
  e.id = t.number();
  e.tenant = t.text();
  e.entity = t.key();
  e.integration = t.text();
  e.kind = static_cast<effect_class>(t.number());
  e.operation = t.text();
  e.object = t.text();
  e.revision = t.number();
  e.payload = t.text();
  e.idempotency_key = t.text();
  e.rule = t.text();
  e.status = static_cast<effect_status>(t.number());
  e.attempts = t.small();
  e.created_at = t.time();
  e.due_at = t.time();
  e.cause = t.number();
  e.last_error = t.text();
  e.remote_id = t.text();
  e.finished_at = t.time_or_nothing();
  return e;
}

link_row link_of(result_row& r) {
  taking t{r};
  link_row l;
  l.tenant = t.text();
  l.entity = t.key();
  l.integration = t.text();
  l.object = t.text();
  l.remote_id = t.text();
  l.state = t.text();
  l.base = t.text();
  l.changed_at = t.time();
  return l;
}

entity_row entity_of(result_row& r) {
  taking t{r};
  entity_row e;
  e.key = t.key();
  e.tenant = t.text();
  e.parent = t.text();
  e.cursor = t.number();
  e.known = t.text();
  e.tombstone = t.number() != 0;
  e.changed_at = t.time();
  e.source_time = t.text();
  e.stored = true;
  return e;
}

attempt attempt_of(result_row& r) {
  taking t{r};
  attempt a;
  a.effect = t.number();
  a.number = t.small();
  a.started_at = t.time();
  a.took = std::chrono::microseconds{t.number()};
  a.status = t.small();
  a.code = t.text();
  a.detail = t.text();
  a.request_id = t.text();
  return a;
}

provenance provenance_row(result_row& r) {
  taking t{r};
  provenance p;
  p.effect = t.number();
  p.tenant = t.text();
  p.entity = t.key();
  p.integration = t.text();
  p.operation = t.text();
  p.object = t.text();
  p.remote_id = t.text();
  p.rule = t.text();
  p.cause = t.number();
  p.at = t.time();
  return p;
}

credential_row credential_of(result_row& r) {
  taking t{r};
  credential_row c;
  c.tenant = t.text();
  c.name = t.text();
  c.key_id = t.text();
  c.sealed = t.text();
  c.changed_at = t.time();
  return c;
}

/// A WHERE clause of the filters that are set, each with the next parameter.
class conditions {
public:
  void add(const std::string& condition, value v) {
    parameters_.push_back(v);
    text_ += (text_.empty() ? " WHERE " : " AND ") + condition + " $" +
             std::to_string(parameters_.size());
  }
  void add_fixed(const std::string& condition) {
    text_ += (text_.empty() ? " WHERE " : " AND ") + condition;
  }
  void add_text(const std::string& column, const std::string& wanted) {
    if (!wanted.empty()) add(column + " =", value::text(wanted));
  }
  std::string ordered(const std::string& by, std::size_t limit) {
    parameters_.push_back(limit_of(limit));
    return text_ + " ORDER BY " + by + " LIMIT $" + std::to_string(parameters_.size());
  }
  [[nodiscard]] std::span<const value> parameters() const { return parameters_; }

private:
  std::string text_;
  std::vector<value> parameters_;
};

/// Where a page of numbered rows begins.
void add_start(conditions& where, const std::string& number, const page_of& page) {
  if (!page.newest_first)
    where.add(number + " >", value::of(page.after));
  else if (page.after > 0)
    where.add(number + " <", value::of(page.after));
}
std::string order_of(const std::string& number, const page_of& page) {
  return page.newest_first ? number + " DESC" : number;
}

/// A status goes into the text: partial indexes match constants only.
std::string status_is(std::int64_t status) { return "status = " + std::to_string(status); }

}  // namespace

result<entity_state> query_reader::entity(const entity_key& key) {
  auto all = entities({&key, 1});
  if (!all) return all.error();
  return std::move(all->front());
}

result<std::vector<entity_state>> query_reader::entities(std::span<const entity_key> keys) {
  static constexpr std::array columns{column{"key", value_type::text}};
  bulk_rows asked{columns};
  // By the key as the database has it.
  std::unordered_map<std::string, std::size_t> place;
  std::vector<std::size_t> same(keys.size());
  std::vector<entity_state> out(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto clean = cleaned_text(keys[i].text());
    const auto [at, fresh] = place.emplace(clean ? *clean : std::string{keys[i].text()}, i);
    same[i] = at->second;
    if (fresh) asked.text(keys[i].text());
  }
  const auto at = [&](const entity_key& key) -> entity_state& {
    return out[place.at(std::string{key.text()})];
  };
  static const std::array<std::string, 3> statements{
      "SELECT " + prefixed("e", entity_columns) + " FROM {rows} JOIN entities e ON e.key = v.key",
      "SELECT " + prefixed("l", link_columns) + " FROM {rows} JOIN links l ON l.entity = v.key",
      "SELECT " + prefixed("e", effect_columns) +
          " FROM {rows} JOIN effects e ON e.entity = v.key AND e.status IN (0, 2, 5)"};
  auto answers = bulk_(statements, asked);
  if (!answers) return answers.error();
  for (auto& r : rows_of((*answers)[0], entity_of)) {
    auto& state = at(r.key);
    state.row = std::move(r);
  }
  for (auto& l : rows_of((*answers)[1], link_of)) at(l.entity).links.push_back(std::move(l));
  for (auto& e : rows_of((*answers)[2], effect_of)) at(e.entity).unfinished.push_back(std::move(e));
  for (auto& state : out) {
    std::sort(state.links.begin(), state.links.end(), [](const link_row& a, const link_row& b) {
      return std::tie(a.integration, a.object) < std::tie(b.integration, b.object);
    });
    std::sort(state.unfinished.begin(), state.unfinished.end(),
              [](const effect& a, const effect& b) { return a.id < b.id; });
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (same[i] != i) out[i] = out[same[i]];
  return out;
}

result<std::vector<delivery>> query_reader::pending(const page_of& page) {
  const std::array parameters{value::of(page.after), limit_of(page.limit)};
  return all_of(run_("SELECT " + with_bodies + " FROM " + join_deliveries + join_bodies +
                         " WHERE o.status = 0 AND o.seq > $1 ORDER BY o.seq LIMIT $2",
                     parameters),
                delivery_of);
}

result<std::vector<delivery>> query_reader::pending_of(const entity_key& key, std::size_t limit) {
  // Nothing older than the oldest that is pending is looked at, however much the entity has seen.
  const std::array parameters{value::text(key.text()), limit_of(limit)};
  return all_of(
      run_("SELECT " + with_bodies + " FROM deliveries d" + join_bodies +
               " WHERE d.entity = $1 AND d.seq >= (SELECT MIN(seq) FROM open_deliveries WHERE "
               "status = 0) AND d.status = 0 ORDER BY d.seq LIMIT $2",
           parameters),
      delivery_of);
}

result<std::vector<entity_key>> query_reader::due_entities(timestamp now, std::size_t limit) {
  // The inner limit bounds the work, and keeps SQLite on the index of what is due.
  const std::array parameters{value::of(to_micros(now)), limit_of(limit)};
  auto rows = run_(
      "SELECT entity, MIN(due_at) FROM (SELECT entity, due_at FROM effects WHERE status = 0 "
      "AND due_at <= $1 ORDER BY due_at LIMIT 100000) AS due GROUP BY entity ORDER BY 2, 1 LIMIT "
      "$2",
      parameters);
  if (!rows) return rows.error();
  std::vector<entity_key> out;
  for (result_row& r : *rows) out.emplace_back(std::move(r[0].data));
  return out;
}

result<std::vector<delivery>> query_reader::deliveries(const delivery_filter& f,
                                                       const page_of& page) {
  // What is open is few, and found by its own table.
  const bool open = f.status && is_open(*f.status);
  const std::string number = open ? "o.seq" : "d.seq";
  conditions where;
  add_start(where, number, page);
  if (f.status)
    where.add_fixed((open ? "o." : "d.") + status_is(static_cast<std::int64_t>(*f.status)));
  where.add_text("d.source", f.source);
  where.add_text("d.entity", f.entity);
  where.add_text("d.event", f.event);
  const std::string tail = where.ordered(order_of(number, page), page.limit);
  const std::string from = open ? join_deliveries : "deliveries d";
  const std::string what =
      f.bodies ? with_bodies + " FROM " + from + join_bodies : delivery_facts + " FROM " + from;
  return all_of(run_("SELECT " + what + tail, where.parameters()), delivery_of);
}

result<std::optional<delivery>> query_reader::delivery_by_seq(std::int64_t seq) {
  const std::array parameters{value::of(seq)};
  return one_of(
      run_("SELECT " + with_bodies + " FROM deliveries d" + join_bodies + " WHERE d.seq = $1",
           parameters),
      delivery_of);
}

result<std::vector<effect>> query_reader::effects(const effect_filter& f, const page_of& page) {
  conditions where;
  add_start(where, "id", page);
  if (f.status) where.add_fixed(status_is(static_cast<std::int64_t>(*f.status)));
  where.add_text("entity", f.entity);
  where.add_text("integration", f.integration);
  const std::string tail = where.ordered(order_of("id", page), page.limit);
  return all_of(run_("SELECT " + effect_columns + " FROM effects" + tail, where.parameters()),
                effect_of);
}

result<std::optional<effect>> query_reader::effect_by_id(std::int64_t id) {
  const std::array parameters{value::of(id)};
  return one_of(run_("SELECT " + effect_columns + " FROM effects WHERE id = $1", parameters),
                effect_of);
}

result<std::vector<attempt>> query_reader::attempts_of(std::int64_t effect) {
  const std::array parameters{value::of(effect)};
  return all_of(run_("SELECT effect, number, started_at, took_us, status, code, detail, request_id "
                     "FROM attempts WHERE effect = $1 ORDER BY number",
                     parameters),
                attempt_of);
}

result<std::vector<provenance>> query_reader::provenance_of(const entity_key& key,
                                                            std::size_t limit) {
  const std::array parameters{value::text(key.text()), limit_of(limit)};
  return all_of(
      run_("SELECT effect, tenant_id, entity, integration, operation, object, remote_id, rule, "
           "cause, at FROM provenance WHERE entity = $1 ORDER BY effect DESC LIMIT $2",
           parameters),
      provenance_row);
}

result<std::vector<link_row>> query_reader::links_of(const std::string& integration,
                                                     const std::string& after_object,
                                                     std::size_t limit) {
  const std::array parameters{value::text(integration), value::text(after_object), limit_of(limit)};
  return all_of(run_("SELECT " + link_columns +
                         " FROM links WHERE integration = $1 AND object > $2 "
                         "ORDER BY object, entity LIMIT $3",
                     parameters),
                link_of);
}

result<std::vector<entity_row>> query_reader::entities_of(const std::string& parent,
                                                          const std::string& after_key,
                                                          std::size_t limit) {
  conditions where;
  where.add("key >", value::text(after_key));
  where.add_text("parent", parent);
  const std::string tail = where.ordered("key", limit);
  return all_of(run_("SELECT " + entity_columns + " FROM entities" + tail, where.parameters()),
                entity_of);
}

result<std::optional<std::string>> query_reader::state(const std::string& key) {
  const std::array parameters{value::text(key)};
  return one_of<std::string>(run_("SELECT value FROM states WHERE key = $1", parameters),
                             [](result_row& r) { return std::move(r[0].data); });
}

result<std::vector<std::pair<std::string, std::string>>> query_reader::states(
    const std::string& prefix) {
  // The last code point there is bounds everything that begins with the prefix.
  const std::string end = prefix + "\xf4\x8f\xbf\xbf";
  const std::array parameters{value::text(prefix), value::text(end)};
  return all_of<std::pair<std::string, std::string>>(
      run_("SELECT key, value FROM states WHERE key >= $1 AND key < $2 ORDER BY key", parameters),
      [](result_row& r) {
        return std::pair{std::move(r[0].data), std::move(r[1].data)};
      });
}

result<std::optional<credential_row>> query_reader::credential(const std::string& tenant,
                                                               const std::string& name) {
  const std::array parameters{value::text(tenant), value::text(name)};
  return one_of(run_("SELECT tenant_id, name, key_id, sealed, changed_at FROM credentials "
                     "WHERE tenant_id = $1 AND name = $2",
                     parameters),
                credential_of);
}

result<std::vector<credential_row>> query_reader::credentials() {
  return all_of(run_("SELECT tenant_id, name, key_id, sealed, changed_at FROM credentials "
                     "ORDER BY tenant_id, name",
                     {}),
                credential_of);
}

result<journal_counts> query_reader::counts() {
  auto rows = run_(
      "SELECT (SELECT COUNT(*) FROM open_deliveries WHERE status = 0), "
      "(SELECT COUNT(*) FROM open_deliveries WHERE status = 3), "
      "(SELECT COUNT(*) FROM effects WHERE status = 0), (SELECT COUNT(*) FROM effects WHERE status "
      "= 2), "
      "(SELECT received_at FROM deliveries WHERE seq = (SELECT MIN(seq) FROM open_deliveries "
      "WHERE status = 0)), "
      "(SELECT MIN(created_at) FROM effects WHERE status = 0)",
      {});
  if (!rows) return rows.error();
  taking t{rows->front()};
  journal_counts c;
  c.pending = t.number();
  c.dead_deliveries = t.number();
  c.waiting_effects = t.number();
  c.dead_effects = t.number();
  c.oldest_pending = t.time_or_nothing();
  c.oldest_waiting = t.time_or_nothing();
  return c;
}

}  // namespace pb::persistence

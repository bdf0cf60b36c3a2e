#include "persistence/tables.hpp"

#include <array>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace pb::persistence::tables {
namespace {

constexpr value_type int64 = value_type::int64;
constexpr value_type text = value_type::text;
constexpr value_type bytes = value_type::bytes;

/// The last row written for each key, in the order of their first appearance. Keys are compared as
/// the database will see them.
template <class Row, class Key>
std::vector<const Row*> last_of_each(units all, std::vector<Row> write::*rows, Key key_of) {
  std::vector<const Row*> out;
  std::map<decltype(key_of(std::declval<const Row&>())), std::size_t> seen;
  for (const write* u : all)
    for (const Row& r : u->*rows) {
      const auto [at, fresh] = seen.try_emplace(key_of(r), out.size());
      if (fresh)
        out.push_back(&r);
      else
        out[at->second] = &r;
    }
  return out;
}

std::string stored(const std::string& t) {
  if (auto clean = cleaned_text(t)) return *clean;
  return t;
}

std::string columns_of(std::span<const column> columns, std::string_view prefix = {}) {
  std::string out;
  for (const column& c : columns) {
    if (!out.empty()) out += ", ";
    out += prefix;
    out += c.name;
  }
  return out;
}

/// INSERT … ON CONFLICT (keys) DO UPDATE of everything else.
std::string upsert(std::string_view table, std::span<const column> columns, std::string_view keys,
                   std::size_t key_columns) {
  std::string sets;
  for (const column& c : columns.subspan(key_columns)) {
    if (!sets.empty()) sets += ", ";
    sets += std::string{c.name} + " = excluded." + std::string{c.name};
  }
  // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
  return "INSERT INTO " + std::string{table} + " (" + columns_of(columns) + ") SELECT " +
         columns_of(columns, "v.") + " FROM {rows} WHERE true ON CONFLICT (" + std::string{keys} +
         ") DO UPDATE SET " + sets;
}

result<void> run(connection& c, const std::string& sql, const bulk_rows& rows) {
  if (rows.empty()) return {};
  return c.execute_rows(sql, rows);
}

}  // namespace

result<void> put_entities(connection& c, units all) {
  static constexpr std::array columns{
      column{"key", text},     column{"partition", int64},  column{"tombstone", int64},
      column{"cursor", int64}, column{"changed_at", int64}, column{"tenant_id", text},
      column{"parent", text},  column{"source_time", text}, column{"known", text}};
  static const std::string insert = upsert("entities", columns, "key", 1);
  static const std::string update =
      "UPDATE entities SET tombstone = v.tombstone, cursor = v.cursor, changed_at = v.changed_at, "
      "tenant_id = v.tenant_id, parent = v.parent, source_time = v.source_time, known = v.known "
      "FROM {rows} WHERE entities.key = v.key";
  std::unordered_set<std::string> fresh;  // their first row may be in this very batch
  for (const write* u : all)
    for (const entity_row& r : u->entities)
      if (!r.stored) fresh.insert(stored(r.key.text()));
  bulk_rows inserted{columns}, updated{columns};
  for (const entity_row* e : last_of_each(
           all, &write::entities, [](const entity_row& r) { return stored(r.key.text()); })) {
    auto& rows = e->stored && !fresh.contains(stored(e->key.text())) ? updated : inserted;
    rows.text(e->key.text());
    rows.number(e->key.partition());
    rows.number(e->tombstone ? 1 : 0);
    rows.number(e->cursor);
    rows.number(to_micros(e->changed_at));
    rows.text(e->tenant);
    rows.text(e->parent);
    rows.text(e->source_time);
    rows.text(e->known);
  }
  if (auto r = run(c, insert, inserted); !r) return r;
  return run(c, update, updated);
}

result<void> put_effects(connection& c, units all) {
  static constexpr std::array columns{column{"id", int64},         column{"partition", int64},
                                      column{"kind", int64},       column{"status", int64},
                                      column{"attempts", int64},   column{"revision", int64},
                                      column{"cause", int64},      column{"created_at", int64},
                                      column{"due_at", int64},     column{"finished_at", int64},
                                      column{"tenant_id", text},   column{"entity", text},
                                      column{"integration", text}, column{"operation", text},
                                      column{"object", text},      column{"idempotency_key", text},
                                      column{"rule", text},        column{"remote_id", text},
                                      column{"last_error", text},  column{"payload", text}};
  static const std::string sql = upsert("effects", columns, "id", 1);
  bulk_rows rows{columns};
  for (const effect* e : last_of_each(all, &write::effects, [](const effect& r) { return r.id; })) {
    rows.number(e->id);
    rows.number(e->entity.partition());
    rows.number(static_cast<std::int64_t>(e->kind));
    rows.number(static_cast<std::int64_t>(e->status));
    rows.number(e->attempts);
    rows.number(e->revision);
    rows.number(e->cause);
    rows.number(to_micros(e->created_at));
    rows.number(to_micros(e->due_at));
    rows.number_or_null(e->finished_at ? std::optional{to_micros(*e->finished_at)} : std::nullopt);
    rows.text(e->tenant);
    rows.text(e->entity.text());
    rows.text(e->integration);
    rows.text(e->operation);
    rows.text(e->object);
    rows.text(e->idempotency_key);
    rows.text(e->rule);
    rows.text(e->remote_id);
    rows.text(e->last_error);
    rows.text(e->payload);
  }
  return run(c, sql, rows);
}

result<void> put_links(connection& c, units all) {
  static constexpr std::array columns{column{"entity", text},      column{"integration", text},
                                      column{"object", text},      column{"tenant_id", text},
                                      column{"remote_id", text},   column{"state", text},
                                      column{"changed_at", int64}, column{"base", text}};
  static const std::string sql = upsert("links", columns, "entity, integration, object", 3);
  bulk_rows rows{columns};
  for (const link_row* l : last_of_each(all, &write::links, [](const link_row& r) {
         return std::tuple{stored(r.entity.text()), stored(r.integration), stored(r.object)};
       })) {
    rows.text(l->entity.text());
    rows.text(l->integration);
    rows.text(l->object);
    rows.text(l->tenant);
    rows.text(l->remote_id);
    rows.text(l->state);
    rows.number(to_micros(l->changed_at));
    rows.text(l->base);
  }
  return run(c, sql, rows);
}

result<void> put_marks(connection& c, units all) {
  static constexpr std::array columns{column{"seq", int64}, column{"status", int64},
                                      column{"attempts", int64}, column{"reason", text}};
  static constexpr std::array open_columns{column{"status", int64}, column{"seq", int64}};
  static const std::string sql =
      "UPDATE deliveries SET status = v.status, attempts = v.attempts, reason = v.reason "
      "FROM {rows} WHERE deliveries.seq = v.seq";
  static const std::string close =
      "DELETE FROM open_deliveries WHERE (status, seq) IN (SELECT v.status, v.seq FROM {rows})";
  // Only what the journal knows can be open.
  static const std::string reopen =
      "INSERT INTO open_deliveries (status, seq) SELECT v.status, v.seq FROM {rows} "
      "JOIN deliveries d ON d.seq = v.seq WHERE true ON CONFLICT (status, seq) DO NOTHING";
  bulk_rows rows{columns}, closed{open_columns}, opened{open_columns};
  for (const delivery_mark* m :
       last_of_each(all, &write::marks, [](const delivery_mark& r) { return r.seq; })) {
    rows.number(m->seq);
    rows.number(static_cast<std::int64_t>(m->status));
    rows.number(m->attempts);
    rows.text(m->reason);
    const auto add = [&](bulk_rows& to, delivery_status s) {
      to.number(static_cast<std::int64_t>(s));
      to.number(m->seq);
    };
    for (const delivery_status s : {delivery_status::pending, delivery_status::dead})
      add(s == m->status ? opened : closed, s);
  }
  if (auto r = run(c, sql, rows); !r) return r;
  if (auto r = run(c, close, closed); !r) return r;
  return run(c, reopen, opened);
}

result<void> put_attempts(connection& c, units all) {
  static constexpr std::array columns{column{"effect", int64},     column{"number", int64},
                                      column{"started_at", int64}, column{"took_us", int64},
                                      column{"status", int64},     column{"code", text},
                                      column{"detail", text},      column{"request_id", text}};
  static const std::string sql = upsert("attempts", columns, "effect, number", 2);
  bulk_rows rows{columns};
  for (const attempt* a : last_of_each(all, &write::attempts, [](const attempt& r) {
         return std::pair{r.effect, r.number};
       })) {
    rows.number(a->effect);
    rows.number(a->number);
    rows.number(to_micros(a->started_at));
    rows.number(a->took.count());
    rows.number(a->status);
    rows.text(a->code);
    rows.text(a->detail);
    rows.text(a->request_id);
  }
  return run(c, sql, rows);
}

result<void> put_provenances(connection& c, units all) {
  static constexpr std::array columns{column{"effect", int64},   column{"cause", int64},
                                      column{"at", int64},       column{"tenant_id", text},
                                      column{"entity", text},    column{"integration", text},
                                      column{"operation", text}, column{"object", text},
                                      column{"remote_id", text}, column{"rule", text}};
  static const std::string sql = upsert("provenance", columns, "effect", 1);
  bulk_rows rows{columns};
  for (const provenance* p :
       last_of_each(all, &write::provenances, [](const provenance& r) { return r.effect; })) {
    rows.number(p->effect);
    rows.number(p->cause);
    rows.number(to_micros(p->at));
    rows.text(p->tenant);
    rows.text(p->entity.text());
    rows.text(p->integration);
    rows.text(p->operation);
    rows.text(p->object);
    rows.text(p->remote_id);
    rows.text(p->rule);
  }
  return run(c, sql, rows);
}

result<void> put_states(connection& c, units all) {
  static constexpr std::array columns{column{"key", text}, column{"value", text}};
  static constexpr std::array keys{column{"key", text}};
  static const std::string sql = upsert("states", columns, "key", 1);
  static const std::string removal = "DELETE FROM states WHERE key IN (SELECT v.key FROM {rows})";
  bulk_rows set{columns}, removed{keys};
  for (const state_entry* s :
       last_of_each(all, &write::states, [](const state_entry& r) { return stored(r.key); })) {
    if (s->value) {
      set.text(s->key);
      set.text(*s->value);
    } else {
      removed.text(s->key);
    }
  }
  if (auto r = run(c, sql, set); !r) return r;
  return run(c, removal, removed);
}

result<void> put_credentials(connection& c, units all) {
  static constexpr std::array columns{column{"tenant_id", text}, column{"name", text},
                                      column{"key_id", text}, column{"sealed", bytes},
                                      column{"changed_at", int64}};
  static const std::string sql = upsert("credentials", columns, "tenant_id, name", 2);
  static constexpr std::array keys{column{"tenant_id", text}, column{"name", text}};
  static const std::string removal =
      "DELETE FROM credentials WHERE (tenant_id, name) IN (SELECT v.tenant_id, v.name FROM {rows})";
  bulk_rows rows{columns}, removed{keys};
  for (const credential_row* r :
       last_of_each(all, &write::credentials, [](const credential_row& x) {
         return std::pair{stored(x.tenant), stored(x.name)};
       })) {
    if (r->sealed.empty()) {
      removed.text(r->tenant);
      removed.text(r->name);
      continue;
    }
    rows.text(r->tenant);
    rows.text(r->name);
    rows.text(r->key_id);
    rows.bytes(r->sealed);
    rows.number(to_micros(r->changed_at));
  }
  if (auto r = run(c, sql, rows); !r) return r;
  return run(c, removal, removed);
}

result<void> put_receipts(connection& c, units all) {
  static constexpr std::array columns{column{"integration", text}, column{"object", text},
                                      column{"entity", text}, column{"remote_id", text},
                                      column{"at", int64}};
  static const std::string sql = upsert("receipts", columns, "integration, object", 2);
  bulk_rows rows{columns};
  for (const receipt_row* r : last_of_each(all, &write::receipts, [](const receipt_row& x) {
         return std::pair{stored(x.integration), stored(x.object)};
       })) {
    rows.text(r->integration);
    rows.text(r->object);
    rows.text(r->entity.text());
    rows.text(r->remote_id);
    rows.number(to_micros(r->at));
  }
  return run(c, sql, rows);
}

result<void> put_user_mappings(connection& c, units all) {
  static constexpr std::array columns{
      column{"open_id", text}, column{"tenant_id", text},    column{"union_id", text},
      column{"name", text},    column{"email", text},        column{"plane_user", text},
      column{"how", int64},    column{"left_tenant", int64}, column{"changed_at", int64}};
  static constexpr std::array keys{column{"open_id", text}};
  static const std::string sql = upsert("mappings_users", columns, "open_id", 1);
  static const std::string removal =
      "DELETE FROM mappings_users WHERE open_id IN (SELECT v.open_id FROM {rows})";
  bulk_rows rows{columns}, removed{keys};
  for (const user_mapping_row* r :
       last_of_each(all, &write::user_mappings,
                    [](const user_mapping_row& x) { return stored(x.open_id); })) {
    if (r->removed) {
      removed.text(r->open_id);
      continue;
    }
    rows.text(r->open_id);
    rows.text(r->tenant);
    rows.text(r->union_id);
    rows.text(r->name);
    rows.text(r->email);
    rows.text(r->plane_user);
    rows.number(static_cast<std::int64_t>(r->how));
    rows.number(r->left ? 1 : 0);
    rows.number(to_micros(r->changed_at));
  }
  if (auto r = run(c, sql, rows); !r) return r;
  return run(c, removal, removed);
}

result<void> put_channel_mappings(connection& c, units all) {
  static constexpr std::array columns{column{"chat", text}, column{"project", text},
                                      column{"tenant_id", text}, column{"options", text},
                                      column{"changed_at", int64}};
  static constexpr std::array keys{column{"chat", text}, column{"project", text}};
  static const std::string sql = upsert("mappings_channels", columns, "chat, project", 2);
  static const std::string removal =
      "DELETE FROM mappings_channels WHERE (chat, project) IN (SELECT v.chat, v.project FROM "
      "{rows})";
  bulk_rows rows{columns}, removed{keys};
  for (const channel_mapping_row* r :
       last_of_each(all, &write::channel_mappings, [](const channel_mapping_row& x) {
         return std::pair{stored(x.chat), stored(x.project)};
       })) {
    if (r->removed) {
      removed.text(r->chat);
      removed.text(r->project);
      continue;
    }
    rows.text(r->chat);
    rows.text(r->project);
    rows.text(r->tenant);
    rows.text(r->options);
    rows.number(to_micros(r->changed_at));
  }
  if (auto r = run(c, sql, rows); !r) return r;
  return run(c, removal, removed);
}

result<void> put_fact(connection& c, std::string_view name, std::string_view content) {
  static constexpr std::array columns{column{"name", text}, column{"value", text}};
  static const std::string sql = upsert("store_facts", columns, "name", 1);
  bulk_rows rows{columns};
  rows.text(name);
  rows.text(content);
  return run(c, sql, rows);
}

}  // namespace pb::persistence::tables

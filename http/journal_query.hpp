// http/journal_query: lists of the journal, read on the store's reader thread. Shared by the
// endpoint files of the journal; not for others.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "http/admin_auth.hpp"
#include "http/api_answer.hpp"
#include "http/journal_json.hpp"
#include "http/operations.hpp"
#include "persistence/store.hpp"

namespace pb::http {

/// Runs with a reader and makes the answer; what it returns as a failure is answered as one.
using query = std::function<result<response>(persistence::reader&, const request&)>;

/// A handler that answers with what `ask` finds.
handler reading(persistence::store& store, query ask);

/// With bodies a few at a time: they may be 16 MB each, so a page of 200 is never held at once.
/// Stops when `take` returns false or `limit` were taken.
/// @return whether more match beyond the last one taken
result<bool> each_delivery(persistence::reader& from, const persistence::delivery_filter& f,
                           persistence::page_of page,
                           const std::function<bool(const persistence::delivery&)>& take);
/// The same for effects.
result<bool> each_effect(persistence::reader& from, const persistence::effect_filter& f,
                         persistence::page_of page,
                         const std::function<bool(const persistence::effect&)>& take);

/// Dead deliveries, then dead effects; the cursor is the last id, "d12" or "e34".
struct dead_letter_query {
  std::string cursor, entity;
  std::size_t limit = page_limit_default;
  body_view body = body_view::none;
  std::size_t max_bytes = std::string::npos;  ///< stops after the row that passes it
};
/// errc::bad_input: the cursor is none.
result<list_page> dead_letters(persistence::reader& from, const dead_letter_query& q);

/// One entity's deliveries, effects, attempts and provenance, by time within a page; pages go by
/// cause. errc::bad_input: the cursor is none; errc::not_found: nothing is known of the entity.
result<list_page> timeline(persistence::reader& from, const entity_key& key,
                           const std::string& cursor, std::size_t limit);

query export_dead_letters();
std::vector<route> operation_routes(operations& ops, const admin_auth& auth);

}  // namespace pb::http

#include "actors/facts_desk.hpp"

#include <iterator>
#include <utility>

namespace pb::actors {
namespace {

template <class Map>
void take_entries(Map& into, Map&& more) {
  for (auto& [key, value] : more) into.insert_or_assign(key, std::move(value));
}

}  // namespace

void take_in(sync::facts& into, sync::facts&& more) {
  if (!more.bot.empty()) into.bot = std::move(more.bot);
  take_entries(into.chats, std::move(more.chats));
  take_entries(into.channels, std::move(more.channels));
  take_entries(into.people, std::move(more.people));
  take_entries(into.projects, std::move(more.projects));
  if (more.all_projects) into.all_projects = std::move(more.all_projects);
  take_entries(into.items, std::move(more.items));
  take_entries(into.receipts, std::move(more.receipts));
  take_entries(into.quoted, std::move(more.quoted));
  take_entries(into.places, std::move(more.places));
  into.given_up.insert(into.given_up.end(), std::make_move_iterator(more.given_up.begin()),
                       std::make_move_iterator(more.given_up.end()));
}

}  // namespace pb::actors

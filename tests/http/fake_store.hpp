// A store in memory with what endpoints use: state entries, credentials and mappings. Everything
// happens on the caller's thread, unless `hold` collects the completions.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "persistence/store.hpp"

namespace fake {

using namespace pb;
using namespace pb::persistence;

class store final : public persistence::store, private reader {
public:
  std::map<std::string, std::string> states_kept;
  std::map<std::string, credential_row> credentials_kept;
  std::map<std::string, user_mapping_row> users_kept;
  std::map<std::pair<std::string, std::string>, channel_mapping_row> channels_kept;
  bool away = false;
  bool hold = false;
  std::vector<std::function<void()>> held;

  void submit(persistence::write unit, done completion) override {
    auto finish = [this, unit = std::move(unit), completion = std::move(completion)] {
      if (away) return completion(down());
      for (const auto& s : unit.states) {
        if (s.value)
          states_kept[s.key] = *s.value;
        else
          states_kept.erase(s.key);
      }
      for (const auto& c : unit.credentials) {
        if (c.sealed.empty())
          credentials_kept.erase(c.name);
        else
          credentials_kept[c.name] = c;
      }
      for (const auto& m : unit.user_mappings) {
        if (m.removed)
          users_kept.erase(m.open_id);
        else
          users_kept[m.open_id] = m;
      }
      for (const auto& m : unit.channel_mappings) {
        if (m.removed)
          channels_kept.erase({m.chat, m.project});
        else
          channels_kept[{m.chat, m.project}] = m;
      }
      completion(written{});
    };
    if (hold)
      held.emplace_back(std::move(finish));
    else
      finish();
  }
  void read(std::function<void(result<reader*>)> body) override {
    if (away)
      body(down());
    else
      body(static_cast<reader*>(this));
  }
  void retain(retention_limits, std::function<void(result<std::int64_t>)> completion) override {
    completion(std::int64_t{0});
  }
  store_health health() const noexcept override { return store_health::up; }

private:
  static failure down() { return failure{.code = errc::storage, .where = "store"}; }
  template <class T>
  static result<T> none() {
    return failure{.code = errc::not_found, .where = "fake.store"};
  }
  result<entity_state> entity(const entity_key&) override { return none<entity_state>(); }
  result<std::vector<entity_state>> entities(std::span<const entity_key>) override {
    return none<std::vector<entity_state>>();
  }
  result<std::vector<delivery>> pending(const page_of&) override {
    return none<std::vector<delivery>>();
  }
  result<std::vector<delivery>> pending_of(const entity_key&, std::size_t) override {
    return none<std::vector<delivery>>();
  }
  result<std::vector<entity_key>> due_entities(timestamp, std::size_t) override {
    return none<std::vector<entity_key>>();
  }
  result<std::vector<delivery>> deliveries(const delivery_filter&, const page_of&) override {
    return none<std::vector<delivery>>();
  }
  result<std::optional<delivery>> delivery_by_seq(std::int64_t) override {
    return none<std::optional<delivery>>();
  }
  result<std::vector<effect>> effects(const effect_filter&, const page_of&) override {
    return none<std::vector<effect>>();
  }
  result<std::optional<effect>> effect_by_id(std::int64_t) override {
    return none<std::optional<effect>>();
  }
  result<std::vector<attempt>> attempts_of(std::int64_t) override {
    return none<std::vector<attempt>>();
  }
  result<std::vector<provenance>> provenance_of(const entity_key&, std::size_t) override {
    return none<std::vector<provenance>>();
  }
  result<std::vector<link_row>> links_of(const std::string&, const std::string&,
                                         std::size_t) override {
    return none<std::vector<link_row>>();
  }
  result<std::vector<entity_row>> entities_of(const std::string&, const std::string&,
                                              std::size_t) override {
    return none<std::vector<entity_row>>();
  }
  result<std::optional<std::string>> state(const std::string& key) override {
    const auto at = states_kept.find(key);
    return at == states_kept.end() ? std::optional<std::string>{} : at->second;
  }
  result<std::vector<std::pair<std::string, std::string>>> states(
      const std::string& prefix) override {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : states_kept)
      if (key.starts_with(prefix)) out.emplace_back(key, value);
    return out;
  }
  result<std::optional<credential_row>> credential(const std::string&,
                                                   const std::string& name) override {
    const auto at = credentials_kept.find(name);
    return at == credentials_kept.end() ? std::optional<credential_row>{} : at->second;
  }
  result<std::vector<credential_row>> credentials() override {
    return none<std::vector<credential_row>>();
  }
  result<std::optional<entity_key>> journaled_for(const std::string&, const std::string&) override {
    return none<std::optional<entity_key>>();
  }
  result<std::optional<receipt_row>> receipt(const std::string&, const std::string&) override {
    return none<std::optional<receipt_row>>();
  }
  result<std::optional<user_mapping_row>> user_mapping(const std::string& open_id) override {
    const auto at = users_kept.find(open_id);
    return at == users_kept.end() ? std::optional<user_mapping_row>{} : at->second;
  }
  result<std::optional<user_mapping_row>> user_mapping_by_plane_user(
      const std::string& plane_user) override {
    for (const auto& [id, m] : users_kept)
      if (m.plane_user == plane_user && !m.left) return std::optional{m};
    return std::optional<user_mapping_row>{};
  }
  result<std::vector<user_mapping_row>> user_mappings(const std::string& after,
                                                      std::size_t limit) override {
    std::vector<user_mapping_row> out;
    for (auto at = users_kept.upper_bound(after); at != users_kept.end() && out.size() < limit;
         ++at)
      out.push_back(at->second);
    return out;
  }
  result<std::vector<channel_mapping_row>> channel_mappings(const std::string& chat) override {
    std::vector<channel_mapping_row> out;
    for (const auto& [key, m] : channels_kept)
      if (m.chat == chat) out.push_back(m);
    return out;
  }
  result<std::vector<channel_mapping_row>> channel_mappings_of_project(
      const std::string& project) override {
    std::vector<channel_mapping_row> out;
    for (const auto& [key, m] : channels_kept)
      if (m.project == project) out.push_back(m);
    return out;
  }
  result<std::vector<channel_mapping_row>> all_channel_mappings(const std::string& after_chat,
                                                                const std::string& after_project,
                                                                std::size_t limit) override {
    std::vector<channel_mapping_row> out;
    for (auto at = channels_kept.upper_bound({after_chat, after_project});
         at != channels_kept.end() && out.size() < limit; ++at)
      out.push_back(at->second);
    return out;
  }
  result<journal_counts> counts() override { return none<journal_counts>(); }
};

}  // namespace fake

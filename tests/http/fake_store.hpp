// A store in memory with what the OAuth endpoints use: state entries and credentials. Everything
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
      for (const auto& c : unit.credentials) credentials_kept[c.name] = c;
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
  result<journal_counts> counts() override { return none<journal_counts>(); }
};

}  // namespace fake

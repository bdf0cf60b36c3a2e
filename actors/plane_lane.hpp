// actors/plane_lane: the lane of a work item, or of a conversation that makes one, towards Plane:
// what chat wants written (sync/plane_write). What follows from an outcome is its owner's to say.
// Private to entity actors.
#pragma once
#include "actors/effect_lane.hpp"
#include "actors/issue_actor.hpp"
#include "actors/remotes.hpp"
#include "sync/issue_chat.hpp"

namespace pb::actors {

class plane_lane final : public effect_lane {
public:
  static constexpr const char* name = "plane";

  class owner {
  public:
    /// Where it is written. Empty for a new item, which names its project itself.
    struct place {
      std::string project, item;
    };
    [[nodiscard]] virtual place plane_place() const = 0;
    /// What the uuids of Plane's answer are called; what is missing costs a read.
    [[nodiscard]] virtual protocol::plane::item_names names_for(
        const sync::plane_write& /*what*/) const {
      return {};
    }
    /// A write has ended for good; what follows goes into the unit. May add effects.
    virtual void written(const effect& e, const sync::plane_write& what,
                         const sync::plane_outcome& how, persistence::write& unit) = 0;

  protected:
    ~owner() = default;
  };

  /// @param changes_knowledge  written() changes what the entity knows
  /// @param files  null: files are attached elsewhere
  plane_lane(entity_pipeline& of, owner& whose, const connector_port& plane,
             std::shared_ptr<const remotes> calls, bool changes_knowledge,
             const file_peers* files = nullptr)
      : effect_lane(of, name),
        whose_(whose),
        plane_(plane),
        calls_(std::move(calls)),
        changes_knowledge_(changes_knowledge),
        files_(files) {}

  [[nodiscard]] std::vector<sync::queued_write> queued() const;

private:
  bool may_send(const effect& head) override;
  void carry_out(effect& head) override;
  [[nodiscard]] bool changes_knowledge() const override { return changes_knowledge_; }
  std::string settle(effect& e, const performed& p, persistence::write& unit) override;
  /// What a person's own key is not good for any more is written by the bot in their name.
  bool before_failure(effect& e, const failure& f, const performed& p,
                      persistence::write& unit) override;
  void died(const effect& e, const failure& f, persistence::write& unit) override;

  // A file comes from Feishu and goes to Plane: two connectors, one effect. It stays this lane's,
  // so that it keeps its place behind its comment and has one outcome; the lane asks one connector
  // after the other and holds the bytes in between. What an earlier attempt may have brought there
  // is looked for first, then comes the turn (file_turns), then the bytes.
  void carry_file(effect& head, const sync::file_copy& what);
  void want_turn();
  bool take_answer(std::uint8_t what, const exchange_performed& m) override;
  void on_downloaded(const sync::file_copy& what, const performed& p);
  void released() override { turn_.reset(); }
  /// The effect under way, when it is a file's.
  [[nodiscard]] std::optional<sync::file_copy> file_sent() const;

  static constexpr std::uint8_t call_look = call_first, call_turn = call_first + 1,
                                call_download = call_first + 2;
  static bool write_as_bot(effect& e, sync::plane_write what);

  owner& whose_;
  const connector_port& plane_;
  const std::shared_ptr<const remotes> calls_;
  const bool changes_knowledge_;
  const file_peers* files_;
  file_turns::turn turn_;
};

}  // namespace pb::actors

// tests/simulation/tenant: a Feishu tenant beside a world's Plane: the sandbox's Lark, its pushes
// to whichever process is there, and the bridge's own account, calls and facts, wired as the daemon
// wires them. Made before the world's process starts; outlived by nothing of it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "sandbox/faults.hpp"
#include "sandbox/lark.hpp"
#include "sandbox/lark_seed.hpp"
#include "sandbox/lark_sender.hpp"
#include "world.hpp"

namespace pb::simulation {

class tenant {
  seeded_random random_;  // the lark draws from it

public:
  static constexpr const char* origin = "http://lark.test";
  tenant(test::world& w, std::uint64_t seed);
  ~tenant();

  /// To be called after whatever people did.
  void pump() { sender_->pump(); }
  /// Nothing is on its way to the bridge.
  [[nodiscard]] bool at_rest() const;
  /// One that was delivered, told again as at-least-once delivery may.
  void repeat_push(std::uint64_t draw);

  sandbox::lark lark;
  sandbox::fault_set faults;
  sandbox::lark_seeded who;

private:
  struct doorstep;
  void map_channel(const std::string& chat, const std::string& project, bool first, bool announce);

  test::world& world_;
  std::unique_ptr<doorstep> door_;
  std::unique_ptr<sandbox::lark_sender> sender_;
  std::vector<protocol::http_request> carried_;  ///< pushes that arrived
};

}  // namespace pb::simulation

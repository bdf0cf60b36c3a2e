// sandbox/seed: something to look at: workspace "demo" with two projects and the kinds of work
// items that calendars find hard. Called by run_sandbox and by end-to-end tests.
#pragma once
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "sandbox/plane.hpp"

namespace pb::sandbox {

struct seeded_project {
  std::string id, identifier, name;
  std::vector<std::string> item_ids;
};
struct seeded {
  std::string workspace_slug, workspace_id;
  std::string owner_id;  ///< whose key it is
  std::string colleague_id;
  std::string session;  ///< of the owner
  std::vector<seeded_project> projects;
};

/// Leaves no webhook behind: what is seeded was there before anybody listened.
seeded seed_demo(plane& p, const secret& api_key);
/// Only the workspace and its two people.
seeded seed_empty(plane& p, const secret& api_key);

}  // namespace pb::sandbox

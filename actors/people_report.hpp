// actors/people_report: what came of mapping all people at once (actors/people_mapping). No CAF in
// this header: endpoints show it.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace pb::actors {

struct unmapped_member {
  std::string plane_user, name, email;
  std::string why;  ///< "no e-mail address in Plane", "nobody in Feishu has this address" …
};
struct people_report {
  std::size_t members = 0;  ///< of the workspace, bots left out
  std::size_t known = 0;    ///< were mapped already
  std::size_t mapped = 0;   ///< by this run
  std::vector<unmapped_member> left;
};

/// For the API.
std::string to_json(const people_report& r);

}  // namespace pb::actors

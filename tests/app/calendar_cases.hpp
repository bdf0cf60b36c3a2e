// The whole path from Plane's webhook to a stored event; each program of calendar_on_* runs these
// cases against one real calendar server.
#pragma once
#include "tests/app/dav_server.hpp"

namespace pb::app::testing {

/// Set by the program's main file.
extern const dav_kind server_under_test;
/// main() of such a program: 77 when the server is not installed here.
int run_on_server(int argc, char** argv);

}  // namespace pb::app::testing

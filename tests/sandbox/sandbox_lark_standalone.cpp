// The sandbox as a program of its own, for the check with Lark's official Node SDK:
// APP_SECRET ENCRYPT_KEY VERIFICATION_TOKEN and where pushes go: a URL, or "link" for the long
// connection.
#include <iostream>

#include "sandbox/run.hpp"

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  pb::sandbox::run_options options;
  options.port = 0;
  options.lark.app_secret = pb::secret{argv[1]};
  options.lark.encrypt_key = pb::secret{argv[2]};
  options.lark.verification_token = pb::secret{argv[3]};
  options.lark_long_connection = std::string{argv[4]} == "link";
  if (!options.lark_long_connection) options.lark_event_url = argv[4];
  return pb::sandbox::run_sandbox(options, std::cout);
}

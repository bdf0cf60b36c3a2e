// The sandbox as a program of its own, for the check with Plane's Node SDK.
#include <iostream>

#include "sandbox/run.hpp"

int main() {
  pb::sandbox::run_options options;
  options.port = 0;
  options.api_key = pb::secret{"sdk-check"};
  return pb::sandbox::run_sandbox(options, std::cout);
}

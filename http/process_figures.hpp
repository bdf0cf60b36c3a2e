// http/process_figures: what the kernel says about this process. Used by http/metrics.
#pragma once
#include <cstdint>

namespace pb::http {

struct process_figures {
  double cpu_seconds = 0;  ///< user and system since the start
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_descriptors = 0, max_descriptors = 0;
  std::uint64_t threads = 0;
};

/// Reads /proc; what cannot be read stays 0.
process_figures read_process_figures();

}  // namespace pb::http

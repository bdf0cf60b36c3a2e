// What the kernel knows of a running daemon: its memory, its descriptors, its files.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>

namespace hostile {

struct memory_figures {
  std::size_t resident_bytes = 0;
  std::size_t highest_bytes = 0;  ///< since the last forget_highest()
};
memory_figures memory_of(pid_t process);
/// The highest resident memory is counted from now on.
void forget_highest(pid_t process);
std::size_t descriptors_of(pid_t process);
/// Of all files in the folder whose names begin so; 0 without any.
std::size_t bytes_of_files(const std::string& folder, const std::string& prefix);

/// Raises this process's own limit of descriptors as far as it may; the limit then.
std::size_t raise_descriptor_limit();

}  // namespace hostile

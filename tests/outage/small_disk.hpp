// A file system of a few megabytes that a test fills up and empties.
#pragma once
#include <cstddef>
#include <string>

namespace pb::outage {

class small_disk {
public:
  /// Memory of this size, mounted on a folder of its own; see mounted().
  explicit small_disk(std::size_t megabytes);
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk();
  /// False where this user may not mount; said once on standard error.
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Takes what is left of it, but for about so much.
  void fill(std::size_t but_bytes = 0) const;
  void empty() const;

private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace pb::outage

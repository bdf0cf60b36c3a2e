// persistence/local_file: a file of our own data directory, written at offsets and synced; failures
// are values that name the path. Blocks: never on a scheduler or HTTP thread. Not thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/failure.hpp"

namespace pb::persistence {

class local_file {
public:
  local_file() = default;
  local_file(local_file&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  local_file& operator=(local_file&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~local_file();

  /// For this user only; made when it is not there.
  static result<local_file> open(const std::string& path);

  result<void> write_at(std::uint64_t offset, std::string_view bytes);
  /// Up to `most` bytes from there; fewer at the end of the file.
  result<std::string> read_at(std::uint64_t offset, std::size_t most) const;
  /// Durable afterwards, sizes included.
  result<void> sync();
  result<std::uint64_t> size() const;
  result<void> resize(std::uint64_t bytes);
  /// Space for so many bytes is sure from now on, and read as zeros where nothing was written.
  result<void> reserve(std::uint64_t bytes);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
  failure failed(const char* what) const;
  int fd_ = -1;
  std::string path_;
};

/// A new or removed name in it is durable afterwards.
result<void> sync_folder(const std::string& path);

}  // namespace pb::persistence

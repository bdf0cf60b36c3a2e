#include "persistence/local_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pb::persistence {
namespace {

failure file_failure(const std::string& path, const char* what, int code) {
  return {errc::storage, "spool.file", std::string{what} + " " + path + ": " + std::strerror(code),
          code == ENOSPC || code == EDQUOT
              ? "the disk is full: make room"
              : "check the folder of store.data_dir and that this user may write there"};
}

}  // namespace

local_file::~local_file() {
  if (fd_ >= 0) ::close(fd_);
}

failure local_file::failed(const char* what) const { return file_failure(path_, what, errno); }

result<local_file> local_file::open(const std::string& path) {
  local_file f;
  f.path_ = path;
  f.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (f.fd_ < 0) return f.failed("cannot open");
  return f;
}

result<void> local_file::write_at(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed("cannot write");
    offset += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

result<std::string> local_file::read_at(std::uint64_t offset, std::size_t most) const {
  std::string out(most, '\0');
  std::size_t done = 0;
  while (done < most) {
    const auto n = ::pread(fd_, out.data() + done, most - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot read");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(done);
  return out;
}

result<void> local_file::sync() {
  if (::fdatasync(fd_) != 0) return failed("cannot sync");
  return {};
}

result<std::uint64_t> local_file::size() const {
  struct stat s {};
  if (::fstat(fd_, &s) != 0) return failed("cannot look at");
  return static_cast<std::uint64_t>(s.st_size);
}

result<void> local_file::resize(std::uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return failed("cannot resize");
  return {};
}

result<void> local_file::reserve(std::uint64_t bytes) {
  if (const int code = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes)); code != 0)
    return file_failure(path_, "cannot reserve space in", code);
  return {};
}

result<void> sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_failure(path, "cannot open", errno);
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (code != 0) return file_failure(path, "cannot sync", code);
  return {};
}

}  // namespace pb::persistence

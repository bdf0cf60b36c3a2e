#include "tests/outage/small_disk.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <vector>

namespace pb::outage {
namespace fs = std::filesystem;

small_disk::small_disk(std::size_t megabytes) {
  std::string form = (fs::temp_directory_path() / "planebridge-disk.XXXXXX").string();
  if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no scratch folder");
  path_ = form;
  const auto size = "size=" + std::to_string(megabytes) + "m,mode=711";
  mounted_ = ::mount("none", path_.c_str(), "tmpfs", MS_NOSUID, size.c_str()) == 0;
  if (!mounted_)
    std::cerr << "SKIPPED: a disk cannot be filled up here, since this user may not mount one ("
              << std::strerror(errno) << ")\n";
}

small_disk::~small_disk() {
  if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void small_disk::fill(std::size_t but_bytes) const {
  const int fd =
      ::open((path_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot fill the disk");
  const std::vector<char> block(64 * 1024, 'x');
  struct statvfs s {};
  for (std::size_t n = block.size(); n >= 512;) {
    ::fstatvfs(fd, &s);
    const auto left = static_cast<std::size_t>(s.f_bavail) * s.f_bsize;
    if (left < but_bytes + n || ::write(fd, block.data(), n) <= 0) n /= 2;
  }
  ::close(fd);
}

void small_disk::empty() const { fs::remove(path_ + "/filler"); }

}  // namespace pb::outage

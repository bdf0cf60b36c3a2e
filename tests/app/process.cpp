#include "tests/app/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace pb::app::testing {

bool eventually(milliseconds deadline, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, 25);
  }
  return true;
}

scratch_folder::scratch_folder() {
  std::string form = (std::filesystem::temp_directory_path() / "planebridge-app.XXXXXX").string();
  if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no scratch folder");
  path_ = form;
}
scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string file_text(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void write_file(const std::string& path, const std::string& text) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

namespace {

int opened(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write " + path);
  return fd;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

child_process::child_process(const command& c) {
  auto words = c.words;
  std::vector<std::string> pairs;
  for (const auto& [name, value] : c.environment) pairs.push_back(name + "=" + value);
  if (!c.environment.contains("PATH"))
    if (const char* path = std::getenv("PATH")) pairs.push_back(std::string{"PATH="} + path);
  const auto argv = pointers(words);
  const auto envp = pointers(pairs);
  const int out = opened(c.out_path.empty() ? "/dev/null" : c.out_path);
  const int err = opened(c.err_path.empty() ? "/dev/null" : c.err_path);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ == 0) {
    // Only what a child of a program with threads may call.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    // Sockets of the test's own servers must not live on in the child.
    ::close_range(3, ~0U, 0);
    if (!c.folder.empty() && ::chdir(c.folder.c_str()) != 0) ::_exit(127);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  for (const int fd : {in, out, err}) ::close(fd);
  if (id_ < 0) throw std::runtime_error("cannot fork");
}

child_process::~child_process() {
  if (ended_) return;
  ::kill(id_, SIGKILL);
  wait(milliseconds{10'000});
}

void child_process::signal(int number) const {
  if (!ended_) ::kill(id_, number);
}

std::optional<int> child_process::wait(milliseconds deadline) {
  if (ended_) return ended_;
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
  pollfd ends{fd, POLLIN, 0};
  const int ready = ::poll(&ends, 1, static_cast<int>(deadline.count()));
  ::close(fd);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(id_, &status, 0) != id_) throw std::runtime_error("the child is not ours");
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_;
}

finished run(command c, milliseconds deadline) {
  const scratch_folder own;
  c.out_path = own / "out";
  c.err_path = own / "err";
  finished f;
  {
    child_process child{c};
    f.code = child.wait(deadline).value_or(-1);
  }
  f.out = file_text(c.out_path);
  f.err = file_text(c.err_path);
  return f;
}

}  // namespace pb::app::testing

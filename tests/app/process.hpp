// Programs that a test starts: the daemon, the command line, the scripts of tests/servers. They end
// with the test. Waiting is bounded everywhere, and is for a condition, never for a time.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pb::app::testing {

using std::chrono::milliseconds;

/// Asks again and again until it is so; false when it was not so by the deadline.
bool eventually(milliseconds deadline, const std::function<bool()>& condition);

/// A folder of the test's own, removed afterwards.
class scratch_folder {
public:
  scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

std::string file_text(const std::string& path);
void write_file(const std::string& path, const std::string& text);

using variables = std::map<std::string, std::string>;

/// Nothing of the test's own environment but PATH reaches it.
struct command {
  std::vector<std::string> words;  ///< the program's path first
  variables environment;
  std::string folder;              ///< where it runs
  std::string out_path, err_path;  ///< appended to; the same twice keeps the order of lines
};

class child_process {
public:
  explicit child_process(const command& c);
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  /// Kills it when it still runs.
  ~child_process();

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  void signal(int number) const;
  /// The exit status, 128 + n after signal n; nothing when it still runs at the deadline.
  std::optional<int> wait(milliseconds deadline);
  [[nodiscard]] bool runs() { return !wait(milliseconds{0}); }

private:
  pid_t id_ = -1;
  std::optional<int> ended_;
};

struct finished {
  int code = -1;  ///< -1: it did not end in time and was killed
  std::string out, err;
};
/// Runs to the end; out_path and err_path are its own.
finished run(command c, milliseconds deadline = milliseconds{60'000});

}  // namespace pb::app::testing

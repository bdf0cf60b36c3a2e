// app/daemon: everything of one running planebridge, wired. Made by `serve`; tests make it too.
#pragma once
#include <memory>

#include "base/failure.hpp"
#include "config/load.hpp"

namespace pb::app {

class daemon {
public:
  static result<std::unique_ptr<daemon>> start(config::load_outcome loaded);
  ~daemon();
  /// What can change at run time does; what needs a restart is named in the log.
  void reload(config::load_outcome next);
  /// From the outside in, within shutdown_grace; false when something had to be cut off.
  bool stop();
  [[nodiscard]] unsigned short port() const;

private:
  struct parts;
  explicit daemon(std::unique_ptr<parts> p);
  std::unique_ptr<parts> p_;
};

}  // namespace pb::app

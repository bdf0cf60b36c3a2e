// persistence/read_session: a connection for queries that comes back by itself. A query that finds
// its session lost is asked once more on a new one; while the database is away, attempts to reach
// it are spaced. Used by the reader threads; not thread-safe.
#pragma once
#include <chrono>
#include <memory>

#include "persistence/open.hpp"
#include "persistence/query_reader.hpp"

namespace pb::persistence {

class read_session {
public:
  read_session(const open_options& options, std::string name);
  /// The reader, or why the database cannot be reached.
  result<reader*> get();

private:
  result<void> connect_now();
  /// Once more on a new session when this one turns out to be lost.
  template <class Ask>
  auto run(Ask ask) -> decltype(ask(std::declval<connection&>()));

  const open_options& options_;
  std::string name_;
  std::unique_ptr<connection> session_;
  query_reader reader_;
  failure last_;
  std::chrono::steady_clock::time_point not_before_{};
};

}  // namespace pb::persistence

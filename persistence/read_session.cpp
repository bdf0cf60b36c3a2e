#include "persistence/read_session.hpp"

namespace pb::persistence {

read_session::read_session(const open_options& options, std::string name)
    : options_(options),
      name_(std::move(name)),
      reader_(
          [this](const std::string& sql, std::span<const value> p) {
            return run([&](connection& c) { return c.query(sql, p); });
          },
          [this](std::span<const std::string> statements, const bulk_rows& rows) {
            return run([&](connection& c) { return c.query_each(statements, rows); });
          }) {}

result<void> read_session::connect_now() {
  const auto now = std::chrono::steady_clock::now();
  if (now < not_before_) return last_;
  auto c = connect(options_, session_use::reader, name_);
  if (!c) {
    last_ = c.error();
    not_before_ = std::chrono::steady_clock::now() + options_.backoff_base;
    return last_;
  }
  session_ = std::move(*c);
  return {};
}

result<reader*> read_session::get() {
  if (!session_)
    if (auto r = connect_now(); !r) return r.error();
  return &reader_;
}

template <class Ask>
auto read_session::run(Ask ask) -> decltype(ask(std::declval<connection&>())) {
  for (int round = 0;; ++round) {
    if (!session_)
      if (auto r = connect_now(); !r) return r.error();
    auto rows = ask(*session_);
    if (rows || session_->last_fault() == fault::data) return rows;
    session_.reset();
    if (round == 1) return rows;
  }
}

}  // namespace pb::persistence

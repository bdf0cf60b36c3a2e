#include "persistence/store_blocking.hpp"

namespace pb::persistence {

result<written> submit_and_wait(store& s, write unit) {
  auto promise = std::make_shared<std::promise<result<written>>>();
  auto future = promise->get_future();
  s.submit(std::move(unit), [promise](result<written> w) { promise->set_value(std::move(w)); });
  return future.get();
}

}  // namespace pb::persistence

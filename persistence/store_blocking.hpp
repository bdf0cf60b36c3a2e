// The template behind store.hpp's read_and_wait.
#pragma once
#include <future>

#include "persistence/store.hpp"

namespace pb::persistence {

template <class F>
auto read_and_wait(store& s, F body) -> decltype(body(std::declval<reader&>())) {
  using answer = decltype(body(std::declval<reader&>()));
  // Shared: the other thread may still be inside set_value() when this one has its answer.
  auto promise = std::make_shared<std::promise<answer>>();
  auto future = promise->get_future();
  s.read([&body, promise](result<reader*> r) {
    if (r)
      promise->set_value(body(**r));
    else
      promise->set_value(answer{r.error()});
  });
  return future.get();
}

}  // namespace pb::persistence

// The template behind store.hpp's read_and_wait.
#pragma once
#include <future>

#include "persistence/store.hpp"

namespace pb::persistence {

template <class F>
auto read_and_wait(store& s, F body) -> decltype(body(std::declval<reader&>())) {
  using answer = decltype(body(std::declval<reader&>()));
  std::promise<answer> promise;
  auto future = promise.get_future();
  s.read([&](result<reader*> r) {
    if (r) promise.set_value(body(**r));
    else promise.set_value(answer{r.error()});
  });
  return future.get();
}

}  // namespace pb::persistence

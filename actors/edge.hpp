// actors/edge: where exceptions end. CAF prints them and reports a bare runtime_error otherwise.
#pragma once
#include <exception>

#include "actors/caf.hpp"
#include "base/log.hpp"

namespace pb::actors {

template <class Self>
void install_exception_edge(Self self, const char* kind) {
  self->set_exception_handler([kind](caf::scheduled_actor*, std::exception_ptr& p) -> caf::error {
    try {
      std::rethrow_exception(p);
    } catch (const std::exception& e) {
      log::error("actor crashed", {log::kv("kind", kind), log::kv("detail", e.what())});
    } catch (...) {
      log::error("actor crashed", {log::kv("kind", kind)});
    }
    return caf::make_error(caf::sec::runtime_error);
  });
}

}  // namespace pb::actors

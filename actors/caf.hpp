// actors/caf: the one place that includes CAF. <caf/all.hpp> because single headers of 0.17 do not
// stand alone; precompiled for this layer. Nothing outside actors/ (and its tests) includes it.
#pragma once
#include <caf/all.hpp>

#include "base/failure.hpp"

namespace pb::actors {

/// handles<void, M>: takes M and answers nothing. One alias for 0.17's spelling and later ones.
#if CAF_VERSION < 1800
template <class Out>
struct signature_of {
  template <class... In>
  using from = typename caf::replies_to<In...>::template with<Out>;
};
template <>
struct signature_of<void> {
  template <class... In>
  using from = caf::reacts_to<In...>;
};
template <class Out, class... In>
using handles = typename signature_of<Out>::template from<In...>;
#else
template <class Out, class... In>
using handles = caf::result<Out>(In...);
#endif

}  // namespace pb::actors

namespace pb {
inline std::string to_string(errc code, int) { return std::string{to_string(code)}; }
}  // namespace pb

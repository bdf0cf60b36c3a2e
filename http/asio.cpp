// The compiled halves of Asio and Beast, once for the whole program: every other file sees their
// declarations only (BOOST_ASIO_SEPARATE_COMPILATION, set for everything that links http), which
// is most of what an HTTP file costs to build.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>

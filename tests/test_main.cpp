// main() of the test programs, compiled once: they read Boost.Test's headers precompiled, where no
// program can ask for one of its own.
#define BOOST_TEST_MODULE planebridge
#include <boost/test/unit_test.hpp>

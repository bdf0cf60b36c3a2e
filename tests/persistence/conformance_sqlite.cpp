#define BOOST_TEST_MODULE conformance_sqlite
#include <boost/test/unit_test.hpp>

#include "tests/persistence/scratch_database.hpp"

const pb::config::database_target::engine pb::persistence::testing::engine_under_test =
    pb::config::database_target::engine::sqlite;

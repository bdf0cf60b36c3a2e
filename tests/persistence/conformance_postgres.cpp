#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include "tests/persistence/scratch_database.hpp"

const pb::config::database_target::engine pb::persistence::testing::engine_under_test =
    pb::config::database_target::engine::postgresql;

int main(int argc, char** argv) { return pb::persistence::testing::run_with_postgres(argc, argv); }

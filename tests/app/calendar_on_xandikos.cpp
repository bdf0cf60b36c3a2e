#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include "tests/app/calendar_cases.hpp"

const pb::app::testing::dav_kind pb::app::testing::server_under_test = {
    .script = "xandikos", .options = {"--basic"}, .needs = {"xandikos", "nginx", "htpasswd"}};

int main(int argc, char** argv) { return pb::app::testing::run_on_server(argc, argv); }

pb_test(protocol plane_webhook LINK Boost::json)

# Tests of the client half and of the endpoints of Plane and the calendar feed.
pb_test(http client_target)
pb_test(http client TIMEOUT 120)
pb_test(http client_tls TIMEOUT 120)
pb_test(http plane_webhook)
pb_test(http lark_webhook)
pb_test(http websocket_client TIMEOUT 120)
pb_test(http plane_oauth)
pb_test(http calendar_feed)

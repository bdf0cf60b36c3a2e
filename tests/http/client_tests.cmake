# Tests of the client half and of the endpoints of Plane and the calendar feed.
pb_test(http client_target)
pb_test(http client TIMEOUT 120)

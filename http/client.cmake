# The client half and the endpoints of Plane and the calendar feed.
list(APPEND http_sources
  webhook_outcome.cpp plane_webhook.cpp lark_reception.cpp lark_webhook.cpp plane_oauth.cpp plane_oauth_page.cpp plane_oauth_state.cpp calendar_feed.cpp
  client.cpp client_call.cpp client_connection.cpp client_pool.cpp client_target.cpp
  lark_long_connection.cpp node_claim.cpp websocket_client.cpp websocket_link.cpp)
list(APPEND http_links config protocol persistence Boost::url Boost::json OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

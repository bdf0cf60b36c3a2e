# The client half and the endpoints of Plane and the calendar feed.
list(APPEND http_sources
  client.cpp client_call.cpp client_connection.cpp client_pool.cpp client_target.cpp)
list(APPEND http_links protocol persistence Boost::url Boost::json OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

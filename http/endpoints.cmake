# The system endpoints, the API over the journal, and the metrics.
list(APPEND http_sources
  admin_auth.cpp api_answer.cpp debug_stream.cpp docs_page.cpp journal_endpoints.cpp journal_export.cpp
  journal_json.cpp journal_timeline.cpp metrics.cpp openapi_text.cpp operation_endpoints.cpp
  process_figures.cpp system_endpoints.cpp)
list(APPEND http_links config persistence Boost::json prometheus-cpp::core)

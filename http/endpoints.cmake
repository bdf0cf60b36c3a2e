# The system endpoints, the API over the journal, and the metrics.
list(APPEND http_sources
  admin_auth.cpp api_answer.cpp csv.cpp debug_stream.cpp docs_page.cpp journal_endpoints.cpp journal_export.cpp
  journal_json.cpp journal_timeline.cpp mapping_endpoints.cpp mapping_rows.cpp personal_key.cpp personal_key_page.cpp personal_oauth.cpp metrics.cpp openapi_text.cpp operation_endpoints.cpp
  process_figures.cpp system_endpoints.cpp)
list(APPEND http_links config sync persistence Boost::json prometheus-cpp::core)

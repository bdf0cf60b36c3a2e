# Tests of the system endpoints, the API over the journal, and the metrics.
pb_test(http admin_auth)
pb_test(http api_answer)
pb_test(http system_endpoints)
pb_test(http journal_endpoints)
pb_test(http operation_endpoints)
pb_test(http metrics)
pb_test(http debug_stream)

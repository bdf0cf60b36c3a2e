// http/tls_context: filled in by the next commit

// http/server_connection: filled in by the next commit

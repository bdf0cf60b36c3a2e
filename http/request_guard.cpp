// http/request_guard: filled in by the next commit

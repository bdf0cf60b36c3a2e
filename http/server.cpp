// http/server: filled in by the next commit

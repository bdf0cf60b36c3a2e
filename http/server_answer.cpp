// http/server_answer: filled in by the next commit

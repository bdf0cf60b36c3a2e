// http/message: filled in by the next commit

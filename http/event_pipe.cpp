// http/event_pipe: filled in by the next commit

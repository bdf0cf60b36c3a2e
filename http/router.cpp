// http/router: filled in by the next commit

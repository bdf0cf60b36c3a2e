// http/peer_limits: filled in by the next commit

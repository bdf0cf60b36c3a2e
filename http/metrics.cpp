// http/metrics: see its header

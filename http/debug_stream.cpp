// http/debug_stream: see its header

// http/system_endpoints: see its header

// http/operation_endpoints: see its header

// http/openapi_text: see its header

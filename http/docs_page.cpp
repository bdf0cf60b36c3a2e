// http/docs_page: see its header

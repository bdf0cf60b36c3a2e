// http/journal_endpoints: see its header

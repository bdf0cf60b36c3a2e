// http/journal_json: see its header

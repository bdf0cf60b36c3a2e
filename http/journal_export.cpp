// http/journal_export: see its header

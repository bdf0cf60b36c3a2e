// http/journal_timeline: see its header

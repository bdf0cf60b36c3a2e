// http/api_answer: see its header

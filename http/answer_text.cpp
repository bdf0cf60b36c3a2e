// http/answer_text: filled in by the next commit

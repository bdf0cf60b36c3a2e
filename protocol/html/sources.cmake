set(html_sources html/escape.cpp html/plain_text.cpp html/tree.cpp html/utf8.cpp)

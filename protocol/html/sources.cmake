set(html_sources html/plain_text.cpp html/utf8.cpp)

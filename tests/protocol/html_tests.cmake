pb_test(protocol html_plain_text TIMEOUT 60)

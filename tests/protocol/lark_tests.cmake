# What goes over the wire.
pb_test(protocol lark_answers)
pb_test(protocol lark_content LINK rapidcheck)
pb_test(protocol lark_crypto)
pb_test(protocol lark_events LINK rapidcheck)
pb_test(protocol lark_exchanges)
pb_test(protocol lark_frames LINK rapidcheck)
pb_test(protocol lark_intake)
pb_test(protocol lark_requests)
pb_test(protocol lark_long_connection)
pb_test(protocol lark_pace LINK rapidcheck)

# What people read: posts, cards, HTML.
pb_test(protocol lark_card LINK rapidcheck)
pb_test(protocol lark_card_check)
pb_test(protocol lark_render_chat)
pb_test(protocol lark_render_html LINK rapidcheck TIMEOUT 120)
pb_test(protocol lark_render_post LINK rapidcheck TIMEOUT 120)
pb_test(protocol lark_rendered)

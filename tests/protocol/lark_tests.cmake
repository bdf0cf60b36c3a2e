# What goes over the wire.

# What people read: posts, cards, HTML.
pb_test(protocol lark_card LINK rapidcheck)
pb_test(protocol lark_card_check)

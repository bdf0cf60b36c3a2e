// Neutral texts of any form for property tests: hostile letters, all kinds of runs and blocks.
#pragma once
#include <rapidcheck.h>

#include <string>

#include "protocol/lark/rich_text.hpp"

namespace lark_samples {
using namespace pb::protocol::lark;

inline rc::Gen<std::string> any_words() {
  return rc::gen::map(
      rc::gen::resize(8, rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
                             "a", "Wort", "登录", " ", "  ", "\n", "\t", "<", ">", "&", "\"", "'",
                             "at ", "@", "_all", "<at user_id=\"all\"></at>", "</at>",
                             "<mention-component", "[", "](", ")", "`", "*", "&lt;", "&#60;",
                             "\xC2\xA0", "😄", "\xE2\x80\x8B", "<script>", "-->", "\x01", "•"))),
      [](const std::vector<std::string>& all) {
        std::string out;
        for (const auto& each : all) out += each;
        return out;
      });
}

inline rc::Gen<run> any_run() {
  return rc::gen::exec([] {
    run r;
    r.what = *rc::gen::weightedElement<run::kind>({{12, run::kind::text},
                                                   {3, run::kind::link},
                                                   {2, run::kind::mention},
                                                   {1, run::kind::mention_all},
                                                   {1, run::kind::image},
                                                   {1, run::kind::file},
                                                   {1, run::kind::emotion}});
    r.text = *any_words();
    if (r.what == run::kind::emotion) r.text = *rc::gen::element<std::string>("SMILE", "Unknown");
    if (r.what != run::kind::text)
      r.key = *rc::gen::element<std::string>("https://a.example/x?y=1&z=\"", "https://a.example/x",
                                             "javascript:alert(1)", "mailto:a@b.example", "ou_abc",
                                             "ou_\"><script>", "img_v3_1", "");
    r.style.bold = *rc::gen::arbitrary<bool>();
    r.style.italic = *rc::gen::arbitrary<bool>();
    r.style.underline = *rc::gen::arbitrary<bool>();
    r.style.strike = *rc::gen::arbitrary<bool>();
    r.style.code = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    return r;
  });
}

inline rc::Gen<block> any_block() {
  return rc::gen::exec([] {
    block b;
    b.what = *rc::gen::weightedElement<block::kind>({{6, block::kind::paragraph},
                                                     {2, block::kind::heading},
                                                     {6, block::kind::list_item},
                                                     {2, block::kind::quote},
                                                     {2, block::kind::code},
                                                     {1, block::kind::rule},
                                                     {1, block::kind::table}});
    b.level = static_cast<std::uint8_t>(*rc::gen::inRange(0, 12));
    b.mark = *rc::gen::element(block::marker::bullet, block::marker::number,
                               block::marker::open_box, block::marker::ticked_box);
    b.number = *rc::gen::element<std::uint32_t>(0, 1, 2, 3, 4'000'000'000);
    b.line = *rc::gen::resize(5, rc::gen::container<runs>(any_run()));
    b.text = *any_words();
    b.language = *rc::gen::element<std::string>("", "cpp", "C++", "x\" onload=\"y");
    if (b.what == block::kind::table) {
      b.rows = *rc::gen::resize(
          3, rc::gen::container<std::vector<std::vector<runs>>>(
                 rc::gen::container<std::vector<runs>>(rc::gen::container<runs>(any_run()))));
      b.header_row = *rc::gen::arbitrary<bool>();
    }
    return b;
  });
}

inline rc::Gen<rich_text> any_text() {
  return rc::gen::exec([] {
    rich_text t;
    t.title = *rc::gen::oneOf(rc::gen::just(std::string{}), any_words());
    t.blocks = *rc::gen::resize(8, rc::gen::container<std::vector<block>>(any_block()));
    t.left_out = *rc::gen::element(std::vector<std::string>{}, std::vector<std::string>{"sticker"});
    return t;
  });
}

/// `times` times the same block, for texts that are too long.
inline rich_text many(const block& b, std::size_t times) {
  rich_text t;
  t.blocks.assign(times, b);
  return t;
}
inline block paragraph(std::string text) {
  block b;
  b.line = {{.what = run::kind::text, .text = std::move(text), .key = {}}};
  return b;
}

}  // namespace lark_samples

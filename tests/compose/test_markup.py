"""Each breakage of mjml-python (B) and premailer (P) that can reach a mail, and what becomes of it."""

import re
import sys

import pytest

from newsletter.compose.markup import front_end, to_html
from newsletter.compose.templates import PLACE
from newsletter.errors import TemplateError

FONT = '<mj-attributes><mj-all font-family="Georgia, serif" /></mj-attributes>'


def mail(inside: str, *, head: str = "", css: str = "", column: str = "") -> str:
    body = f"<mj-section {column}><mj-column>{inside}</mj-column></mj-section>"
    source = f'<mjml lang="fr"><mj-head>{FONT}{head}</mj-head><mj-body>{body}</mj-body></mjml>'
    return to_html(source, css)


def text(inside: str, *, head: str = "", css: str = "") -> str:
    return mail(f"<mj-text>{inside}</mj-text>", head=head, css=css)


def refused(source: str, css: str = "") -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        to_html(source, css)
    return caught.value


def placed(tag: str, line: int) -> str:
    return f'<{tag} {PLACE}="mail/issue.mjml.j2:{line}"'


# ---- mjml-python ----


def test_b1_no_break_spaces_in_attributes_stay_what_they_are() -> None:
    html = mail('<mj-image src="https://e.org/i.png" alt="Un\u00a0: deux\u202f! “a\\b” é\u0301" />')
    assert 'alt="Un\u00a0: deux\u202f! “a\\b” é\u0301"' in html
    assert "\\u{" not in html


def test_b1_quotes_in_attributes_stay_escaped() -> None:
    html = mail("<mj-image src='https://e.org/i.png' alt='Le \"mot\" juste' />")
    assert "alt='Le \"mot\" juste'" in html or 'alt="Le &quot;mot&quot; juste"' in html


def test_b1_the_title_keeps_its_spaces() -> None:
    html = text("x", head="<mj-title>Le titre\u00a0: l’été</mj-title>")
    assert "<title>Le titre\u00a0: l’été</title>" in html
    assert 'aria-label="Le titre\u00a0: l’été"' in html


def test_b1b_a_style_over_several_lines_stays_whole() -> None:
    html = text('<p style="\n  color:#ff0000;\n  margin:0">x</p>')
    assert re.search(r'<p style="color:\s?#ff0000;\s*margin:\s?0"', html)


def test_b2_a_greater_than_sign_beside_an_accent_does_not_panic() -> None:
    assert "é &gt; x → &gt; 5" in text("é > x → > 5")


def test_b3_a_closing_tag_that_closes_something_else_is_refused_at_the_templates_line() -> None:
    source = (
        f"<mjml><mj-body><mj-section>\n{placed('mj-column', 7)}>\n"
        f"{placed('mj-text', 8)}>x</mj-text>\n</mj-section></mj-body></mjml>"
    )
    error = refused(source)
    assert error.where == "templates/mail/issue.mjml.j2:7"
    assert error.message == "<mj-column> is not closed before </mj-section>"
    assert error.hint == "close it: </mj-column>, or <mj-column/> if it is empty"


def test_b3_an_ampersand_alone_is_refused_at_the_templates_line() -> None:
    source = f"<mjml><mj-body>\n{placed('mj-section', 3)}>\n\nR&D</mj-section></mj-body></mjml>"
    error = refused(source)
    assert error.where == "templates/mail/issue.mjml.j2:5"
    assert error.hint.startswith("templates are XML")


def test_b4_a_zero_without_a_unit_does_not_spoil_the_width() -> None:
    picture = '<mj-image src="https://e.org/i.png" alt="a" padding="0px" />'
    # 600 wide, less 20 on either side.
    assert 'width="560"' in mail(picture, column='padding="0 20px"')
    assert 'width="560"' in mail(picture, column='padding="0px  20px"')


def test_b5_a_style_to_be_inlined_is_refused_rather_than_left_in_the_head() -> None:
    error = refused(
        f"<mjml><mj-head>{placed('mj-style', 4)} inline='inline'>p{{}}</mj-style></mj-head><mj-body/></mjml>"
    )
    assert error.where == "templates/mail/issue.mjml.j2:4"
    assert "article.css.j2" in error.hint


def test_b6_no_font_is_fetched_from_anywhere() -> None:
    html = to_html(
        "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>",
        "",
    )
    assert "googleapis" not in html
    assert "@import" not in html


def test_b7_includes_are_refused() -> None:
    error = refused(f"<mjml><mj-body>{placed('mj-include', 9)} path='/etc/passwd' /></mj-body></mjml>")
    assert error.where == "templates/mail/issue.mjml.j2:9"
    assert error.hint == "use {% include %}"


def test_b8_a_misspelt_tag_is_refused_with_the_one_that_was_meant() -> None:
    error = refused(f"<mjml><mj-body>{placed('mj-secton', 12)}></mj-secton></mj-body></mjml>")
    assert error.message == "unknown MJML tag <mj-secton>"
    assert error.hint == "did you mean <mj-section>?"
    assert error.where == "templates/mail/issue.mjml.j2:12"


def test_b9_comments_may_stand_anywhere() -> None:
    head = '<mj-attributes><!-- c --><mj-text color="#ff0000" /></mj-attributes>'
    html = text("<p>a<!-- note -->b</p>", head=head)
    assert "<p>ab</p>" in html
    assert "note" not in html
    assert "color:#ff0000" in html


def test_b9_outlooks_comments_stay() -> None:
    assert "<!--[if mso]>M<![endif]-->" in text("a<!--[if mso]>M<![endif]-->")


def test_b9_html_attributes_are_refused() -> None:
    source = "<mjml><mj-head><mj-html-attributes></mj-html-attributes></mj-head><mj-body/></mjml>"
    assert refused(source).hint == "write the attributes on the elements"


def test_b10_three_digit_colours_reach_outlook_as_six() -> None:
    assert 'bgcolor="#eeddcc"' in mail(
        '<mj-button href="https://e.org" background-color="#edc">x</mj-button>'
    )


def test_b11_the_preview_element_is_refused() -> None:
    source = f"<mjml><mj-head>{placed('mj-preview', 2)}>x</mj-preview></mj-head><mj-body/></mjml>"
    assert "mj-raw" in refused(source).hint


def test_b13_bottomless_nesting_is_an_error_and_no_crash() -> None:
    error = refused("<mjml><mj-body>" + "<div>" * 5000 + "</div>" * 5000 + "</mj-body></mjml>")
    assert error.message.startswith("not well-formed")


def test_b14_a_quoted_font_does_not_break_the_attribute() -> None:
    html = mail("<mj-text font-family='\"Segoe UI\", serif'>x</mj-text>")
    assert "font-family:'Segoe UI', serif" in html


def test_b15_icons_of_other_sites_are_refused() -> None:
    source = '<mjml><mj-body><mj-section><mj-column><mj-social><mj-social-element name="x" /></mj-social>'
    assert "somebody else's site" in refused(source + "</mj-column></mj-section></mj-body></mjml>").message


@pytest.mark.parametrize(
    ("element", "hint"),
    [
        ('<mj-raw position="file-start">x</mj-raw>', "put the element where it belongs"),
        ('<mj-section full-width="false"></mj-section>', "leave the attribute out"),
    ],
)
def test_b16_attributes_that_do_not_do_what_they_say_are_refused(element: str, hint: str) -> None:
    assert refused(f"<mjml><mj-body>{element}</mj-body></mjml>").hint == hint


def test_characters_may_be_named_as_in_html() -> None:
    assert "caf\u00e9\u00a0!" in text("caf&eacute;&nbsp;!")


def test_css_is_not_escaped_like_text() -> None:
    html = text("x", head='<mj-style>.a > .b { content: "é" }</mj-style>')
    assert '.a > .b { content: "\\e9 " }' in html


# ---- premailer ----

CSS = ".md p { margin: 0 0 14px 0; } .md a { color: #b3261e; }"
DARK = "<mj-style>@media (prefers-color-scheme: dark) { .md p { color: #ffffff !important; } }</mj-style>"


def test_p1_the_doctype_is_kept() -> None:
    assert text("x").startswith("<!DOCTYPE html>")


def test_p2_p4_the_dark_style_stays_word_for_word() -> None:
    html = text("<p>x</p>", head=DARK, css=CSS)
    assert "@media (prefers-color-scheme: dark) { .md p { color: #ffffff !important; } }" in html


def test_p3_rules_that_match_nothing_here_stay_for_the_client_that_they_are_for() -> None:
    rules = "[data-ogsc] .ink { color: #eeeeee !important; } u + .body .a { color: #111111; }"
    assert rules in text("x", head=f"<mj-style>{rules}</mj-style>", css=CSS)


def test_p5_the_pixel_width_that_outlook_needs_stays() -> None:
    html = mail(
        '<mj-image src="https://e.org/i.png" alt="a" width="552px" padding="0px" />', css="img { border: 0; }"
    )
    assert 'width="552"' in html


def test_p6_nothing_is_fetched_while_composing(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached_out(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo"):
            calls.append(arguments)

    calls: list[tuple[object, ...]] = []
    sys.addaudithook(reached_out)
    text('<p>x</p><img src="https://example.org/x.png" alt="" />', css=CSS)
    assert calls == []


def test_p6_a_style_sheet_from_outside_is_refused() -> None:
    source = (
        f"<mjml><mj-head><mj-raw>{placed('link', 5)} rel='stylesheet' href='https://e.org/a.css' /></mj-raw>"
        "</mj-head><mj-body/></mjml>"
    )
    error = refused(source)
    assert error.message == "a style sheet from outside"
    assert error.where == "templates/mail/issue.mjml.j2:5"


def test_p7_only_the_articles_rules_are_inlined() -> None:
    html = mail('<mj-text css-class="md"><p>x</p></mj-text>', css=CSS)
    assert '<p style="margin:0 0 14px 0">x</p>' in html
    assert "border-collapse:collapse;mso-table-lspace" not in html.split("<body")[1]


@pytest.mark.parametrize(
    "css",
    [
        ".md p { padding: 9px; padding-left: 0; }\n.md .b { padding: 5px; }",
        ".md p { padding: 9px; }\n.md p { padding-left: 0; }\n.md .b { padding: 5px; }",
        ".md p { padding-left: 0; padding: 9px; }\n.md .b { padding-left: 5px; }",
    ],
)
def test_p8_a_shorthand_and_its_part_that_meet_in_the_wrong_order_are_refused_at_their_line(css: str) -> None:
    error = refused(
        '<mjml><mj-body><mj-section><mj-column><mj-text css-class="md"><p class="b">x</p></mj-text>'
        "</mj-column></mj-section></mj-body></mjml>",
        css=css,
    )
    assert error.message.startswith("padding and padding-left meet on one element")
    assert error.where == f"templates/mail/article.css.j2:{len(css.splitlines())}"


@pytest.mark.parametrize(
    "css",
    [
        ".md p { padding: 9px; padding-left: 0; }\n.md .elsewhere { padding: 5px; }",
        ".md p { padding-left: 0; }\n.md .b { padding: 5px; }",
        ".md p { padding: 5px; }\n.md .b { padding-left: 0; }",
        ".md p { border: 0; border-top: 1px solid #111111; }\n.md p + p { border: 0; }",
    ],
)
def test_p8_a_shorthand_and_its_part_that_come_out_right_pass(css: str) -> None:
    assert 'class="b"' in mail('<mj-text css-class="md"><p class="b">x</p></mj-text>', css=css)


def test_p8_what_an_element_says_itself_counts_as_well() -> None:
    source = '<mj-text css-class="md"><p style="padding:2px">x</p></mj-text>'
    with pytest.raises(TemplateError) as caught:
        mail(source, css=".md p { padding: 1px; padding-left: 5px; }")
    assert caught.value.where == "templates/mail/article.css.j2:1"


def test_p9_important_is_refused_where_it_would_be_outweighed() -> None:
    error = refused("<mjml><mj-body/></mjml>", css="/* not !important */\np { color: #ff0000 ! important; }")
    assert error.where == "templates/mail/article.css.j2:2"
    assert error.hint == "leave it out, or put the rule into <mj-style>"


@pytest.mark.parametrize("colour", ["rgb(0 0 0 / 50%)", "#ff000080", "#f008", "hsl(1 2% 3% / 4%)"])
def test_p10_colours_that_would_be_dropped_are_refused_at_their_line(colour: str) -> None:
    error = refused("<mjml><mj-body/></mjml>", css=f"p {{ margin: 0; }}\np {{ color: {colour}; }}")
    assert error.where == "templates/mail/article.css.j2:2"


def test_p10_usual_colours_pass() -> None:
    html = mail('<mj-text css-class="md"><p>x</p></mj-text>', css=".md p { color: rgba(0,0,0,0.5); }")
    assert "color:rgba(0, 0, 0, 0.5)" in html


def test_p11_rules_for_a_pointer_do_not_reach_the_attributes() -> None:
    html = mail(
        '<mj-text css-class="md"><p><a href="https://e.org">x</a></p></mj-text>',
        css=".md a { color: #12ab56; } .md a:hover { color: #222222; }",
    )
    assert 'style="color:#12ab56"' in html
    assert 'style="{' not in html


def test_p12_the_mark_of_a_blank_survives_everywhere() -> None:
    mark = "zqblankqzleave0url1z"
    html = text(f'<a href="{mark}" title="{mark}">{mark}</a>', css=CSS)
    assert f'href="{mark}" title="{mark}"' in html
    assert html.count(mark) == 3


def test_p13_a_link_around_a_block_is_refused() -> None:
    source = f"<mjml><mj-body><mj-raw>{placed('a', 3)} href='#'><table></table></a></mj-raw></mj-body></mjml>"
    assert refused(source).message == "a link around <table> is torn apart"


def test_p14_the_old_conditional_syntax_is_refused() -> None:
    assert "not well-formed" in refused("<mjml><mj-body><![if !mso]><b/><![endif]></mj-body></mjml>").message


def test_p15_a_font_in_quotes_leaves_the_attribute_whole() -> None:
    html = mail('<mj-text css-class="md"><p>x</p></mj-text>', css=".md p { font-family: 'Segoe UI', serif; }")
    assert re.search(r"""<p style=("font-family:'Segoe UI', serif"|'font-family:"Segoe UI", serif')>""", html)


def test_p16_classes_stay_for_the_dark_rules_to_match() -> None:
    assert 'class="lead-in"' in text('<b class="lead-in">x</b>', css=".lead-in { color: #111111; }")


@pytest.mark.parametrize("tag", ["svg", "wbr", "script"])
def test_p17_elements_that_do_not_survive_are_refused(tag: str) -> None:
    assert f"<{tag}>" in refused(f"<mjml><mj-body><mj-raw><{tag}/></mj-raw></mj-body></mjml>").message


def test_p18_composing_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    text("<p>x</p>", css="p { colour: #111111; } @unknown {}")
    assert capfd.readouterr() == ("", "")


def test_outlooks_conditional_comments_come_through_inlining_unchanged() -> None:
    comment = (
        '<!--[if mso]><p style="width:600px;">M</p><![endif]--><!--[if !mso]><!--><b>x</b><!--<![endif]-->'
    )
    html = mail(f"<mj-raw>{comment}</mj-raw>", css="b { top: 0; }")
    assert comment.replace("<b>", '<b style="top:0">') in html


def test_the_front_end_gives_pure_ascii() -> None:
    assert front_end("<mjml><mj-body><mj-raw>é → « x » 😀</mj-raw></mj-body></mjml>").isascii()

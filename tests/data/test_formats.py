"""Every reader: what it makes of ordinary, broken and hostile files. `pytest tests/data/test_formats.py`."""

from __future__ import annotations

import gzip
import io
import lzma
import time
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.data import formats
from athanor.data.compression import open_source
from athanor.data.documents import Limits, RawDocument, Unusable
from athanor.data.lines import lines
from athanor.data.markup import tokens
from athanor.data.parts import parts
from athanor.data.tables import cells


def read(data: bytes | str, name: str, **limits: int) -> list[RawDocument]:
    data = data.encode() if isinstance(data, str) else data
    return list(formats.read(io.BytesIO(data), name, Limits(**limits)))


def texts(data: bytes | str, name: str, **limits: int) -> list[str | None]:
    return [document.reason or document.text for document in read(data, name, **limits)]


def test_every_reader_offers_what_the_folder_asks() -> None:
    assert set(formats.readers()) >= {".txt", ".md", ".markdown", ".html", ".htm", ".csv", ".jsonl", ".json"}
    for suffix, module in formats.readers().items():
        assert suffix in module.SUFFIXES and callable(module.read) and module.__doc__
        assert formats.is_readable(f"X{suffix.upper()}.GZ") and formats.kind(f"a{suffix}.xz") == suffix


def test_long_text_comes_in_parts_that_join_to_the_whole() -> None:
    text = "The tide table hangs beside the oyster bar. " * 400 + "\n\n" + "潮水退了。" * 500
    found = texts(text, "a.txt", part_characters=1000)
    assert "".join(map(str, found)) == text and max(len(str(part)) for part in found) <= 1000
    assert all(str(part).endswith((" ", "\n", "。")) for part in found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab \n。."), max_size=30)), st.integers(2, 20))
def test_parts_join_to_the_whole(pieces: list[str], size: int) -> None:
    found = list(parts(pieces, size))
    assert "".join(found) == "".join(pieces) and max(map(len, found)) <= size


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab\n\r"), max_size=20)), st.integers(1, 8))
def test_lines_are_the_lines(pieces: list[str], limit: int) -> None:
    whole = [row.removesuffix("\r") if len(row) <= limit else None for row in "".join(pieces).split("\n")]
    found = list(lines(pieces, limit))
    assert [row for row in found if row != ""] == [row for row in whole if row != ""]


def test_front_matter_gives_the_heading() -> None:
    assert texts("---\ntitle: Tides\ntags: [a]\n---\nText.<!-- no -->", "a.md") == ["# Tides\n\nText."]


def test_comments_go_but_not_out_of_code() -> None:
    code = "```html\n<!-- shown -->\n```\n"
    assert texts(f"a<!-- x\n-->b\n{code}c<!-- y -->\n{code}<!-- open", "a.md") == [f"ab\n{code}c\n{code}<!-- open"]
    assert texts("```a``` b\n<!-- c -->d", "a.md") == ["```a``` b\nd"]
    assert texts("~~~\n<!-- shown -->\n", "a.md") == ["~~~\n<!-- shown -->\n"]


@pytest.mark.parametrize("piece", ["<!--", "```\n<!--", "~~~~\n", "<!-- -->", "---\n", "```", "```` `"])
def test_markdown_of_openings_ends_soon(piece: str) -> None:
    began = time.process_time()
    read(piece * 100_000, "a.md")
    assert time.process_time() - began < 2


PAGE = """<html><head><title>Sails</title><script>var secret_script=1</script><style>.x{}</style></head><body>
<nav>Home | About</nav><article><h1>Sails &amp; kites</h1><p>%s</p><h2>Prices</h2>
<table>
<tr><th>Kind</th><th>Price</th></tr>
<tr><td>Jib</td><td>12.50</td></tr></table><ul><li>one thing</li></ul></article>
<footer>Imprint</footer></body></html>"""


def test_html_gives_headings_tables_and_no_frame() -> None:
    sentence = "The guild mends kites for free on the first Sunday of spring, and nobody asks why. "
    for prose in (sentence * 12, sentence):
        text = str(texts(PAGE % prose, "a.html")[0])
        assert "# Sails & kites" in text and "## Prices" in text and "| Jib | 12.50 |" in text and "one thing" in text
        assert "secret_script" not in text and "Imprint" not in text and "Home" not in text


@pytest.mark.parametrize("limit", [1, 10**6])
def test_html_tables_keep_every_cell_in_its_column(limit: int) -> None:
    """Empty cells, and end tags that are left out."""
    page = (
        "<table><tr><th>Ship<th>Captain<th>Year<tr><td>Mirabel<td><td>1949<tr><td>Orla</td><td>Venn</td><td></td></tr>"
        "<tr><td></td><td>Quill</td><td>1950</td></tr></table>"
    )
    (text,) = texts(page, "a.html", page_characters=limit)
    rows = [cells(line) for line in str(text).splitlines() if line.startswith("|") and "---" not in line]
    assert rows == [["Ship", "Captain", "Year"], ["Mirabel", "", "1949"], ["Orla", "Venn", ""], ["", "Quill", "1950"]]


def test_html_of_a_short_page_keeps_its_structure() -> None:
    page = (
        "<html><body><nav>Home | About</nav><h1>Opening hours</h1><table><tr><th>day</th><th>hours</th></tr>"
        "<tr><td>Monday</td><td>8 to 18</td></tr></table><p>Closed on feast days.</p></body></html>"
    )
    (text,) = texts(page, "a.html")
    assert "# Opening hours" in str(text) and "| Monday | 8 to 18 |" in str(text) and "About" not in str(text)


ARTICLE = "".join(
    f"<p>{line}</p>"
    for line in (
        "The keeper of the lighthouse counted the boats that came in from the fog that evening, and wrote each down.",
        "When the ferry did not return at nine, she lit the second lamp and sent the boy down to ask the fishermen.",
        "They had seen nothing but gulls, they said, and a single crate of lemons drifting towards the northern mole.",
        "By midnight the wind had turned. The harbour master opened the storehouse for the families who waited there.",
        "At dawn the ferry came in with a broken mast, all passengers well, and the captain asked for a bowl of soup.",
    )
)
ASIDE = "<div class=sidebar><h3>Related posts</h3><ul><li><a href=/1>Ten tricks</a></li></ul></div>"


@pytest.mark.parametrize(
    "around",
    [
        "<article>{}</article>" + ASIDE,
        "<div id=header><h1>My blog</h1></div><article>{}</article>",
        "<div class=post>{}</div>" + ASIDE,
        "<div class=post>{}</div><table><tr><td></td><td></td></tr></table>",
        "<table><tr><td><a href=/>Home</a></td><td><a href=/a>Shop</a></td></tr></table><div class=post>{}</div>",
    ],
)
def test_html_of_an_article_without_headings_is_the_article(around: str) -> None:
    """Headings and tables of the page around it are no sign that its text lost any."""
    cookies = "<div class=cookie><p>We use cookies. <a href=x>Accept all cookies</a></p></div>"
    menu = "<div class=menu><ul><li><a href=/>Home</a></li><li><a href=/b>Log in</a></li></ul></div>"
    (text,) = texts(f"<html><body>{menu}{cookies}<div>{around.format(ARTICLE)}</div></body></html>", "a.html")
    assert "counted the boats" in str(text) and "bowl of soup" in str(text)
    assert not any(word in str(text) for word in ("cookies", "Log in", "Shop", "Related", "My blog"))


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("<tr><td><table><tr><td>x</td></tr></table></td><td>y</td></tr><tr><td>A</td><td>B</td></tr>", ["| A | B |"]),
        ("<td>a</td><td></td><tr><td>Ship</td><td>Year</td></tr>", ["| Ship | Year |"]),
        ("<tr><td></td><td></td></tr><tr><td>Orla<svg></svg></td><td>Venn</td></tr>", ["| Orla | Venn |"]),
    ],
)
def test_html_tables_have_no_cell_too_many(table: str, rows: list[str]) -> None:
    """Cells outside rows, empty rows, pictures in cells."""
    (text,) = texts(f"<table>{table}</table>", "a.html", page_characters=1)
    found = [line for line in str(text).splitlines() if line.startswith("|") and "---" not in line]
    assert found[-1:] == rows and all(any(cells(line)) for line in found)


def test_html_that_is_hardly_html() -> None:
    assert "Just a line" in str(texts("<p>Just a line of words", "a.htm")[0])
    assert texts("", "a.html") == [""]
    assert texts(
        "<html><head><title>T</title><p>Words in a page without end tags, &amp; a < b.", "a.html", page_characters=1
    ) == ["Words in a page without end tags, & a < b.\n\n"]
    deep = "<div>" * 20_000 + "The bottom of it." + "</div>" * 20_000
    began = time.monotonic()
    assert read(deep, "a.html")[0].reason is None
    assert time.monotonic() - began < 5


SOUP = (
    "<p>One &amp; two</p><!-- <p>no</p> --><script>a < b</script><h1>T</h1>\n<table><tr><td>x<td>y</tr></table><br/>end"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_html_in_pieces_is_html(size: int) -> None:
    def joined(pieces: list[str]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for kind, value in tokens(pieces):
            if kind == "text" and found and found[-1][0] == "text":
                value = found.pop()[1] + value
            found.append((kind, value))
        return found

    assert joined([SOUP[n : n + size] for n in range(0, len(SOUP), size)]) == joined([SOUP])
    assert ("text", "One & two") in joined([SOUP]) and "no" not in str(joined([SOUP]))


@pytest.mark.parametrize(
    "piece", ["<b", "<!--", "<a href='", "<p>", "&#1", "</", "<![CDATA[", "<?", "<script>", "<td>", "<a b=c "]
)
def test_html_of_tag_soup_ends_soon(piece: str) -> None:
    began = time.monotonic()
    read(piece * 20_000, "a.html")
    read(piece * 20_000, "a.html", page_characters=10)
    assert time.monotonic() - began < 5


def test_html_of_open_silent_tags_ends_soon() -> None:
    page = "<nav>" * 40_000 + "x" + "</p>" * 40_000
    began = time.process_time()
    assert "x" not in str(texts(page, "a.html", page_characters=10))
    assert time.process_time() - began < 4
    nested = "<nav><select>no<nav>no</nav><p>yes</p></select><p>yes</p>"
    assert str(texts(nested, "a.html", page_characters=1)[0]).split() == ["yes", "yes"]


@pytest.mark.parametrize("number", ["1" * 5000, "0" * 5000 + "65", "x" + "1" * 5000, "99999999999", "1" * (3 << 20)])
def test_the_number_of_no_character_is_none(number: str) -> None:
    for page in (f"<p>One &#{number}; two</p>", f"<p>One &#{number}; two"):
        for limit in (1, 8 << 20):
            text = "".join(map(str, texts(page, "a.html", page_characters=limit)))
            assert text.startswith("One") and "two" in text
    assert texts("<p>&#65;&#x42; &#0000067;</p>", "a.html", page_characters=1) == ["AB C\n\n"]


def test_a_page_above_the_limit_is_streamed() -> None:
    page = "<body>" + "<p>The gulls count the boats in the evening.</p>\n" * 3000 + "</body>"
    assert sum(str(text).count("gulls") for text in texts(page, "a.html", page_characters=1000)) == 3000


WORDS = "The gulls count the boats in the evening. " * 20


@pytest.mark.parametrize(
    ("opening", "piece", "closing"),
    [
        ("<main>", f"<p>{WORDS}</p>", "</main>"),
        ("<article><p>", WORDS, "</p></article>"),
        ("<p>", f"<b>{WORDS}</b><i>{WORDS}</i>", "</p>"),
        ("<table><tr>", f"<td>{WORDS}</td>", "</tr></table>"),
        ("<table><tr>", f"<td>{WORDS}</td><button>x</button>", "</tr></table>"),
    ],
)
def test_a_page_above_the_limit_is_read_in_bounded_memory(opening: str, piece: str, closing: str) -> None:
    data = io.BytesIO((opening + piece * ((6 << 20) // len(piece)) + closing).encode())
    expected, found = data.getvalue().count(b"evening."), 0
    tracemalloc.start()
    for document in formats.read(data, "a.html", Limits(page_characters=1)):
        found += str(document.text).count("evening.")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # White space is made even a mebibyte at a time where there is no tag, at some twenty bytes a character.
    assert found == expected and peak < (5 if "<" in piece else 24) << 20


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_becomes_a_table_whatever_its_dialect(delimiter: str) -> None:
    data = (
        delimiter.join(["name", "price", "note"])
        + "\r\n"
        + delimiter.join(["Jib", "12.50", '"a ""big"" sail"'])
        + "\r\n"
    )
    assert texts(data, "a.csv") == ['| name | price | note |\n| --- | --- | --- |\n| Jib | 12.50 | a "big" sail |']


def test_csv_with_a_text_column_gives_rows() -> None:
    assert texts('id,Text\n1,"One\nlong row"\n2,Two\n', "a.csv") == ["One\nlong row", "Two"]


def test_cells_beside_a_text_column_stand_in_front_of_it() -> None:
    data = ",ID,title,text,Author,url\n0,a7,Tides,They turn.,Orla,http://x\n1,a8,,Alone.\n2,a9,No text,,Bran\n"
    assert texts(data, "a.csv") == [
        "title: Tides\nAuthor: Orla\n\nThey turn.",
        "Alone.",
        "title: No text\nAuthor: Bran",
    ]
    assert texts("text,note\nOne,a,beyond the header,7\nTwo,b,c,d\n", "a.csv") == [
        "note: a\nbeyond the header\n7\n\nOne",
        "note: b\nc\nd\n\nTwo",
    ]


def test_long_csv_repeats_its_header() -> None:
    data = "name,value\n" + "".join(f"row {n},{n}\n" for n in range(500))
    found = texts(data, "a.csv", part_characters=1000)
    assert len(found) > 5 and all(str(part).startswith("| name | value |\n| --- | --- |") for part in found)
    assert sum(str(part).count("| row") for part in found) == 500


def test_csv_loses_no_cell() -> None:
    title = "Quarterly report 2024\n\nname,city,amount\nAlice,Oslo,12\n"
    assert texts(title, "a.csv") == [
        "Quarterly report 2024\n\n| name | city | amount |\n| --- | --- | --- |\n| Alice | Oslo | 12 |"
    ]
    wider = texts("name,city\nAlice,Oslo,12 extra note\nBob,Rome\n", "a.csv")
    assert wider == ["| name | city |  |\n| --- | --- | --- |\n| Alice | Oslo | 12 extra note |\n| Bob | Rome |  |"]
    many = ",".join(f"c{n}" for n in range(450))
    found = str(texts(f"{many}\n{many}\n", "a.csv", part_characters=100_000)[0])
    assert all(found.count(f"c{n}") >= 2 for n in range(450))
    assert texts("\n" * 50 + "name,city\nAlice,Oslo\n", "a.csv") == texts("name,city\nAlice,Oslo\n", "a.csv")


def test_a_long_title_leaves_the_header() -> None:
    found = texts("word " * 100 + "\nname,city\nAlice,Oslo\nBob,Rome\n", "a.csv", part_characters=1000)
    assert str(found[0]).startswith("word") and str(found[-1]).startswith("| name | city |") and len(found) == 2


def test_a_row_longer_than_a_part_is_split() -> None:
    words = " ".join(f"w{n}" for n in range(2000))
    found = texts(f"name,note\nAlice,{words}\nBob,short\n", "a.csv", part_characters=1000)
    assert all(f"w{n} " in "".join(map(str, found)) for n in range(2000))
    assert max(len(str(part)) for part in found) <= 1000 and "| Bob | short |" in str(found[-1])


def test_a_wide_row_does_not_widen_a_whole_part() -> None:
    data = "a,d\n" + "b,c\n" * 5000 + "x," * 199 + "y\n" + "b\n" * 5000
    found = texts(data, "a.csv", part_characters=10_000)
    assert max(len(str(part)) for part in found) <= 10_000 and sum(str(part).count("| b |") for part in found) == 10_000


def test_a_line_above_the_limit_of_a_table_is_counted() -> None:
    data = "name,city\nAlice,Oslo\n" + "x" * 2000 + ",y\nBob,Rome\n" + "z" * 2000
    found = texts(data, "a.csv", line_characters=1000)
    assert found.count("too_long_line") == 2 and str(found[-1]).endswith("| Bob | Rome |")
    assert texts("x" * 2000 + "\nname,city\nAlice,Oslo\n", "a.csv", line_characters=1000)[0] == "too_long_line"


def test_a_stray_quote_costs_only_its_row() -> None:
    rows_ = [f"name {n},{n}" for n in range(3000)]
    data = "\n".join(["name,number", '"odd,1', *rows_, 'said,"a ""b"", c"'])
    found = "\n".join(map(str, texts(data, "a.csv")))
    assert '| "odd | 1 |' in found and "| name 2999 | 2999 |" in found and '| said | a "b", c |' in found
    assert texts('name,note\n"a"b,c\nd,"e', "a.csv") == ['| name | note |\n| --- | --- |\n| "a"b | c |\n| d | "e |']


def test_a_table_of_stray_quotes_is_read_in_linear_time() -> None:
    began = time.monotonic()
    found = texts("a,b\n" + 'x","y\n' * 40_000, "a.csv", line_characters=100_000)
    assert sum(str(part).count("y") for part in found) == 40_000 and time.monotonic() - began < 10


def test_tabs_come_first_in_tsv() -> None:
    data = "Last, First\tAge\nSmith, John\t5\nDoe, Jane\t6\n"
    assert texts(data, "a.tsv.gz") == ["| Last, First | Age |\n| --- | --- |\n| Smith, John | 5 |\n| Doe, Jane | 6 |"]


def test_a_table_with_bare_carriage_returns() -> None:
    assert texts('a,b\r1,"x\ry"\r', "a.csv") == ["| a | b |\n| --- | --- |\n| 1 | x y |"]


# ---------------------------------------------------------------- compression


def unpacked(path: Path, **limits: int) -> bytes:
    with open_source(path, Limits(**limits)) as stream:
        return stream.read()


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
@pytest.mark.parametrize("data", [b"", b"x", b"The sea. " * 100_000, bytes(range(256)) * 3000])
def test_compressed_files_come_back(tmp_path: Path, suffix: str, data: bytes) -> None:
    pack = gzip.compress if suffix == ".gz" else lzma.compress
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(pack(data))
    assert unpacked(path) == data
    path.write_bytes(pack(data) + pack(b"more") + b"\0" * 8)
    assert unpacked(path) == data + b"more"


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_damaged_files_are_unreadable(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == ".gz" else lzma.compress
    good = pack(bytes(n * n % 251 for n in range(50_000)))
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 255
    for data in (
        good[: len(good) // 2],
        good[:-4],
        bytes(flipped),
        b"\x1f\x8b\x08\x00 not really",
        b"nothing of the kind",
    ):
        path = tmp_path / f"a.txt{suffix}"
        path.write_bytes(data)
        with pytest.raises(Unusable, match="unreadable"):
            unpacked(path)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_bombs_are_stopped(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == ".gz" else lzma.compress
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(pack(bytes(8 << 20)))
    with pytest.raises(Unusable, match="bomb"):
        unpacked(path, ratio=500, ratio_after=1 << 20)
    with pytest.raises(Unusable, match="too_large"):
        unpacked(path, decompressed_bytes=1 << 20)


def test_records_are_plain_data() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(RawDocument(place=1, text="a")), type=RawDocument).text == "a"

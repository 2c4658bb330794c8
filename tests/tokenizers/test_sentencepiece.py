"""SentencePiece models give the ids, and the text back, that the sentencepiece library gives.

Small models are trained here. Run: pytest tests/tokenizers/test_sentencepiece.py
"""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from athanor.tokenizers.ggml_out import to_gguf
from athanor.tokenizers.stream import TextStream
from athanor.tokenizers.tokenizer import Tokenizer

sentencepiece = pytest.importorskip("sentencepiece")

LINES = [
    "The ferry leaves at seven and comes back before noon; the harbour master keeps the book.",
    "渡船七点开，中午以前回来。港口的管理员记着账本，每天都写。",
    "Who keeps the book? The harbour master does. 谁记账本？管理员记。",
    "ﬁne café ｶﾞﾗｽ ½ ™ ㌔ 123 456 banana ananas",
] * 20
KINDS = {
    "unigram": {"model_type": "unigram", "vocab_size": 170, "normalization_rule_name": "nmt_nfkc"},
    "unigram with bytes": {"model_type": "unigram", "vocab_size": 430, "byte_fallback": True, "pad_id": 3,
                           "normalization_rule_name": "nmt_nfkc_cf", "user_defined_symbols": ["<sep>", "master"]},
    "bpe": {"model_type": "bpe", "vocab_size": 260, "normalization_rule_name": "nfkc", "control_symbols": ["<ctl>"]},
    "bpe with bytes": {"model_type": "bpe", "vocab_size": 470, "byte_fallback": True, "split_digits": True,
                       "normalization_rule_name": "identity", "remove_extra_whitespaces": False,
                       "allow_whitespace_only_pieces": True, "user_defined_symbols": ["<sep>", "har"]},
    "bpe without a first space": {"model_type": "bpe", "vocab_size": 260, "add_dummy_prefix": False},
    "unigram with spaces behind": {"model_type": "unigram", "vocab_size": 170, "treat_whitespace_as_suffix": True},
}  # fmt: skip
# Letters that rules change, alone and together; spaces of all kinds; names of control tokens, bytes and spaces.
HARD = st.sampled_from(
    ["汉", "渡船", "管理员", "𠀀", "👩‍👩‍👧‍👦", "👍🏽", "é", "e\u0301", "e\u0323\u0302", "ｶﾞ", "ﾊﾟ", "①\u0301", "ﬁ", "½",
     "\u00a8", "İ", "\r\n", "\n\n", "\0", "\ufeff", "\u200b", " ", "  ", "\t", "\u3000", "▁", "▁▁", "<s>", "</s>",
     "<unk>", "<pad>",
     "<ctl>", "<sep>", "<0x41>", "master", "harbour", "banana", "the", "１２３", "aaa", "\u1100\u1161", "ำ", "\ufffd"]
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.lists(HARD, max_size=16).map("".join)


@pytest.fixture(scope="session", params=KINDS.values(), ids=list(KINDS))
def trained(request, tmp_path_factory):
    """A model's own library and our tokenizer."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=out, minloglevel=2, hard_vocab_limit=False, **request.param
    )
    folder = tmp_path_factory.mktemp("model")
    (folder / "tokenizer.model").write_bytes(out.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue()), Tokenizer.load(folder)


def same(theirs, ours: list[int], text: str) -> bool:
    """Equal ids, or as good ones: the library adds scores as float32, which decides between equals."""
    wanted = theirs.encode(text)
    if wanted == ours:
        return True
    totals = [sum(theirs.get_score(number) for number in ids) for ids in (wanted, ours)]
    return len(wanted) == len(ours) and totals[0] == pytest.approx(totals[1], rel=1e-6)


@settings(max_examples=500, deadline=None)
@given(TEXT)
@example("")
@example("   ")
@example("<sep> the<sep>  harbour  <sep>")
@example("The ferry 渡船\r\n\0 👩‍👩‍👧‍👦 e\u0323\u0302 ｶﾞ")
def test_the_ids_of_the_library(trained, text):
    theirs, ours = trained
    ids = ours.encode(text)
    assert theirs.normalize(text) == ours.parts.prepare(text)
    assert same(theirs, ids, text), (theirs.encode(text, out_type=str), [theirs.id_to_piece(n) for n in ids])


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_names_of_control_tokens_stay_text(trained, text):
    theirs, ours = trained
    for number in ours.encode(text):
        assert not theirs.is_control(number)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 500), max_size=30))
def test_any_ids_decode_and_stream(trained, ids):
    """As the library does, up to what it writes for an unknown piece and for bytes that are no text."""
    theirs, ours = trained
    ids = [number % len(theirs) for number in ids]
    plain = [number for number in ids if not theirs.is_unknown(number) and not theirs.is_control(number)]
    if not any(theirs.is_byte(number) for number in plain):
        wanted = theirs.decode(plain)
        assert ours.decode(plain).strip(" ") == wanted.strip(" ")
    stream = TextStream(ours)
    parts = [stream.feed(number) for number in plain]
    assert "".join(parts) + stream.finish() == ours.decode(plain, specials=False)


def test_text_comes_back_and_its_bytes_are_counted(trained):
    _, ours = trained
    if ours.backend.token_to_id("<0x00>") is None or ours.parts.prepare.rules:
        return
    for text in ("a\0b", "one\r\ntwo", "👩‍👩‍👧‍👦", " x  y ", "渡船𠀀"):
        ids = ours.encode(text)
        assert ours.decode(ids) == text
        assert sum(map(ours.token_bytes, ids)) == len(text.encode()) + 1  # the model's own first space


def test_bytes_that_are_no_text(trained):
    _, ours = trained
    start = ours.backend.token_to_id("<0x00>")
    if start is None:
        return
    ids = [start + byte for byte in "渡".encode()]
    assert ours.decode([*ids, *ids[:2]]) == "渡\ufffd"
    assert [ours.token_bytes(number) for number in ids] == [1, 1, 1]


def test_gguf_and_back(trained):
    theirs, ours = trained
    if ours.parts.pieces.cleaning.suffix:
        with pytest.raises(Exception, match="spaces at the end"):
            to_gguf(ours)
        return
    metadata = to_gguf(ours, size=len(theirs) + 7)
    json.dumps(metadata)
    assert len(metadata["tokenizer.ggml.tokens"]) == len(metadata["tokenizer.ggml.scores"]) == len(theirs) + 7
    back = Tokenizer.from_gguf(metadata)
    for text in [*LINES[:4], "a <sep> b</s>\0", "ｶﾞ ①"]:
        assert back.encode(text) == ours.encode(text)
        assert back.decode(back.encode(text)) == ours.decode(ours.encode(text))
    assert (back.bos, back.eos, back.unk, back.pad) == (ours.bos, ours.eos, ours.unk, ours.pad)


def folder_of(tmp_path, config: dict, **train) -> Tokenizer:
    out = io.BytesIO()
    options = {"model_type": "bpe", "vocab_size": 470, "byte_fallback": True, "minloglevel": 2, **train}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=out, hard_vocab_limit=False, **options
    )
    (tmp_path / "tokenizer.model").write_bytes(out.getvalue())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return Tokenizer.load(tmp_path)


def test_llama_begins_with_bos(tmp_path):
    found = folder_of(tmp_path, {"tokenizer_class": "LlamaTokenizer"})
    ids = found.encode("渡船 leaves")
    assert found.encode_prompt("渡船 leaves") == [found.bos, *ids] and found.bos == 1 and found.eos == 2
    found = folder_of(tmp_path, {"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "add_eos_token": True})
    assert found.encode_prompt("渡船 leaves") == [*ids, 2]
    assert found.encode("a</s>b", specials=True) == [*found.encode("a"), 2, *found.encode("b")]
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tokenizer_config.json").unlink()
    assert Tokenizer.load(tmp_path).before == (1,)


def test_t5_ends_with_eos_and_has_its_sentinels(tmp_path):
    found = folder_of(tmp_path, {"tokenizer_class": "T5Tokenizer", "extra_ids": 10}, model_type="unigram",
                      pad_id=0, eos_id=1, unk_id=2, bos_id=-1)  # fmt: skip
    size = len(found.parts.pieces.pieces) if found.parts.pieces else 0
    assert found.encode_prompt("book")[-1] == found.eos == 1 and found.before == ()
    assert found.specials["<extra_id_0>"] == size + 9 and found.specials["<extra_id_9>"] == size
    assert size + 9 not in found.encode("<extra_id_0>")
    assert size + 9 in found.encode("the <extra_id_0> book", specials=True)


def test_chatglm3_has_its_commands(tmp_path):
    found = folder_of(tmp_path, {"tokenizer_class": "ChatGLMTokenizer"})
    size = len(found.parts.pieces.pieces) if found.parts.pieces else 0
    assert found.encode_prompt("a") == [size + 1, size + 3, *found.encode("a")]
    chat = found.encode_chat([{"role": "user", "content": "sop <|user|> philosophy"}])
    assert chat[:3] == [size + 1, size + 3, size + 6] and chat[-1] == size + 7
    assert [number for number in chat if number >= size] == [size + 1, size + 3, size + 6, size + 7]
    assert chat[3:-1] == found.encode("\n sop <|user|> philosophy")


def test_added_tokens_stand_behind_the_pieces(tmp_path):
    plain = folder_of(tmp_path, {})
    size = plain.vocabulary
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<pad>": size, "<|im|>": size + 1}))
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"pad_token": "<pad>"}))
    found = Tokenizer.load(tmp_path)
    assert found.pad == size and found.vocabulary == size + 2
    assert size + 1 in found.encode("a<|im|>b") and size not in found.encode("<pad>")

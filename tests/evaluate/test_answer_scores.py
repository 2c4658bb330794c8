"""Answers scored: hand-computed cases in both languages, scikit-learn and sacrebleu for the rest.

Run: pytest tests/evaluate/test_answer_scores.py
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU
from sklearn import metrics

from athanor.evaluate import diversity
from athanor.evaluate.answers import accuracy, exact_match, normalise, overlap, precision_recall_f1, tokens


@pytest.mark.parametrize(
    ("answer", "expected", "language"),
    [
        ("The Harbour Master.", "harbour master", "en"),
        ("a  cat,\n an 'old' one", "cat old one", "en"),
        ("theatre", "theatre", "en"),
        ("U.S.A.", "usa", "en"),
        ("１２３ 港口。", "123港口", "zh"),
        ("《红楼梦》", "红楼梦", "zh"),
        ("管理员 记，", "管理员记", "zh"),
        ("Ａｂｃ，北京", "abc北京", "zh"),
        ("", "。", "zh"),
        ("是３．５％。", "是3.5%", "zh"),
        ("共1,000元", "共1000元", "zh"),
        ("答案是35.", "答案是35", "zh"),
        ("- A-5 / B", "A5B", "zh"),
        ("－５", "−5", "zh"),
        ("the", "", "en"),
    ],
)
def test_the_same_after_normalising(answer, expected, language):
    assert exact_match(answer, expected, language) == 1.0
    assert overlap(answer, expected, language) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("answer", "expected", "language"),
    [
        ("a cat", "a dog", "en"),
        ("atheatre", "theatre", "en"),
        ("", "cat", "en"),
        ("北京", "南京", "zh"),
        ("7", "17", "zh"),
        ("35元", "3.5元", "zh"),
        ("50", "50%", "zh"),
        ("5", "-5", "zh"),
        ("5度", "−5度", "zh"),
        ("18岁", "18+岁", "zh"),
        ("7:30", "73:0", "zh"),
        ("1/2", "12", "zh"),
        ("3~5", "35", "zh"),
    ],
)
def test_not_the_same(answer, expected, language):
    assert exact_match(answer, expected, language) == 0.0


def test_overlap_by_hand():
    """3 of 4 words found of 5 wanted; 2 of 4 characters of 3; a word twice counts once where it is wanted once."""
    assert overlap("the old red ferry boat", "red ferry boat at noon, today", "en") == pytest.approx(
        (3 / 4, 1 / 2, 0.6)
    )
    assert overlap("上海港口", "港口处", "zh") == pytest.approx((1 / 2, 2 / 3, 4 / 7))
    assert overlap("yes yes yes", "yes no", "en") == pytest.approx((1 / 3, 1 / 2, 0.4))
    assert overlap("2081年", "2018年", "zh") == (0.5, 0.5, 0.5)
    assert overlap("3.5元", "35元", "zh") == (0.5, 0.5, 0.5)
    assert overlap("x", "y", "en") == (0.0, 0.0, 0.0)
    assert overlap("", "y", "en") == (0.0, 0.0, 0.0)


def test_tokens_and_normal_form():
    assert tokens("The cat's 2 hats!", "en") == ["cats", "2", "hats"]
    assert tokens("２ 只 猫！", "zh") == ["2", "只", "猫"]
    assert tokens("2018年3.5%的USB-C线", "zh") == ["2018", "年", "3.5%", "的", "usbc", "线"]
    assert normalise("An apple a day", "en") == "apple day"


LABELS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abce")), min_size=1, max_size=40)


@given(LABELS)
def test_against_scikit_learn(pairs):
    predicted, wanted = [list(side) for side in zip(*pairs, strict=True)]
    found = precision_recall_f1(predicted, wanted)
    for name, average in (("macro", "macro"), ("micro", "micro")):
        p, r, f, _ = metrics.precision_recall_fscore_support(wanted, predicted, average=average, zero_division=0)
        assert found[f"f1_{name}"] == pytest.approx(f)
        if name == "macro":
            assert (found["precision"], found["recall"]) == pytest.approx((p, r))
    assert accuracy(predicted, wanted) == pytest.approx(metrics.accuracy_score(wanted, predicted))


def sacrebleu_of(text: list[str], references: list[list[str]]) -> float:
    metric = BLEU(smooth_method="exp", effective_order=True, tokenize="none")
    return metric.sentence_score(" ".join(text), [" ".join(reference) for reference in references]).score / 100


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20),
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20), min_size=1, max_size=4),
)
def test_bleu_against_sacrebleu(text, references):
    assert diversity.bleu(text, references) == pytest.approx(sacrebleu_of(text, references), abs=1e-9)


def test_bleu_of_itself_and_of_nothing():
    assert diversity.bleu("abcde", ["abcde"]) == pytest.approx(1.0)
    assert diversity.bleu("", ["abc"]) == 0.0 and diversity.bleu("abc", []) == 0.0
    assert diversity.bleu("ab", ["xy"]) == pytest.approx(sacrebleu_of(["a", "b"], [["x", "y"]]))


def test_distinct_and_repetition_by_hand():
    """ "a b a b": 2 of 4 letters, 2 of 3 pairs differ; with "a c" 3 of 6 and 3 of 4. "abcabcab": of 5 fours 2 again."""
    assert diversity.distinct(["abab"], 1) == 0.5 and diversity.distinct(["abab"], 2) == pytest.approx(2 / 3)
    assert diversity.distinct(["abab", "ac"], 1) == 0.5 and diversity.distinct(["abab", "ac"], 2) == 0.75
    assert diversity.repetition("abcabcab") == pytest.approx(2 / 5)
    assert diversity.repetition("abcd") == 0.0 and diversity.repetition("abc") == 0.0
    assert diversity.repetition("aaaaaaaa") == pytest.approx(4 / 5)
    assert diversity.distinct([], 1) == 0.0 and diversity.distinct(["a"], 2) == 0.0


def test_self_bleu_knows_copies_from_strangers():
    choose = random.Random(0)
    strangers = [[choose.randrange(500) for _ in range(30)] for _ in range(6)]
    assert diversity.self_bleu([list("abcdef")] * 4) == pytest.approx([1.0] * 4)
    assert max(diversity.self_bleu(strangers)) < 0.05
    texts = [["a", "b", "c", "d"], ["a", "b", "c", "x"], ["y", "b", "c", "d", "e"]]
    wanted = [sacrebleu_of(text, [other for other in texts if other is not text]) for text in texts]
    assert diversity.self_bleu(texts) == pytest.approx(wanted)
    assert diversity.self_bleu([[], ["a"]]) == [0.0, 0.0]

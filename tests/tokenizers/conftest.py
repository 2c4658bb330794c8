"""One small bilingual tokenizer for all tests of this folder, trained once."""

from __future__ import annotations

import pytest

from athanor.tokenizers.tokenizer import Tokenizer
from athanor.tokenizers.train import train

TEXTS = [
    "The ferry leaves at seven and comes back before noon; the harbour master keeps the book.",
    "渡船七点开，中午以前回来。港口的管理员记着账本，每天都写。",
    "Who keeps the book? The harbour master does. 谁记账本？管理员记。",
    "def f(x):\r\n\treturn x + 1  # 数字 123 456\r\n",
] * 12


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    train(TEXTS, 420, folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder) -> Tokenizer:
    return Tokenizer.load(tokenizer_folder)

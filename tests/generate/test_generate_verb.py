"""What `athanor generate` says beside its text. Run: pytest tests/generate/test_generate_verb.py"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from athanor.cli.verbs.generate import command
from athanor.core.errors import UsageError


@pytest.mark.parametrize("number", [1, 3])
def test_the_seed_is_said_once_where_chance_rules(model_folder, number: int) -> None:
    words = [str(model_folder), "The ferry", "--raw", "--max-tokens", "3", "--num-return-sequences", str(number)]
    chosen = CliRunner().invoke(command, [*words, "--temperature", "1"])
    seed = chosen.stderr.split()
    assert seed[0] == "seed" and seed[1].isdecimal() and len(seed) == 2
    again = CliRunner().invoke(command, [*words, "--temperature", "1", "--seed", seed[1]])
    assert again.stdout == chosen.stdout
    assert CliRunner().invoke(command, [*words[:-2], "--temperature", "0"]).stderr == ""


def answer(folder, *options: str) -> dict:
    words = [str(folder), "The ferry", "--raw", "--max-tokens", "12", "--json", *options]
    found = CliRunner().invoke(command, words, catch_exceptions=False)
    return json.loads(found.stdout)


def test_a_search_gives_its_best_and_as_many_as_are_asked_for(model_folder) -> None:
    """Its temperature is 0 whatever the model's own is; its object is that of any answer."""
    options = ["--num-beams", "4", "--no-repeat-ngram-size", "2", "--length-penalty", "0.5", "--logprobs"]
    found = answer(model_folder, *options, "--num-return-sequences", "3")
    assert len(found["texts"]) == 3 and found["text"] == found["texts"][0]
    assert found["finish_reason"] == "length" and found["completion_tokens"] == 12
    assert len(found["token_ids"]) == len(found["logprobs"]) == 12
    pairs = list(zip(found["token_ids"], found["token_ids"][1:], strict=False))
    assert len(set(pairs)) == len(pairs)
    assert answer(model_folder, *options)["texts"] == found["texts"][:1]
    words = [str(model_folder), "The ferry", "--raw", "--max-tokens", "12", *options]
    assert CliRunner().invoke(command, words).stdout == found["text"] + "\n"
    assert answer(model_folder, *options, "--early-stopping")["completion_tokens"] == 12


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--num-beams 2 --num-return-sequences 3", "is 3, but --num-beams 2"),
        ("--num-beams 0", "--num-beams is 0"),
        ("--num-beams 65", "--num-beams is 65"),
        ("--num-beams 2 --temperature 0.5", "--temperature is 0.5"),
        ("--no-repeat-ngram-size -1", "--no-repeat-ngram-size is -1"),
        ("--length-penalty inf", "--length-penalty is inf"),
        ("--temperature 0 --num-return-sequences 2", "every answer is the same"),
    ],
)
def test_mistakes_are_told_before_a_model_is_loaded(options: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        answer("./nowhere", *options.split())
    assert words in caught.value.message

"""What `athanor generate` says beside its text. Run: pytest tests/generate/test_generate_verb.py"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from athanor.cli.verbs.generate import command


@pytest.mark.parametrize("number", [1, 3])
def test_the_seed_is_said_once_where_chance_rules(model_folder, number: int) -> None:
    words = [str(model_folder), "The ferry", "--raw", "--max-tokens", "3", "--num-return-sequences", str(number)]
    chosen = CliRunner().invoke(command, [*words, "--temperature", "1"])
    seed = chosen.stderr.split()
    assert seed[0] == "seed" and seed[1].isdecimal() and len(seed) == 2
    again = CliRunner().invoke(command, [*words, "--temperature", "1", "--seed", seed[1]])
    assert again.stdout == chosen.stdout
    assert CliRunner().invoke(command, [*words, "--temperature", "0"]).stderr == ""

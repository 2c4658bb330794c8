"""`athanor generate NAME PROMPT`: one completion, or several."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from athanor.cli.output import common, emit
from athanor.core.progress import tell

if TYPE_CHECKING:
    from athanor.generate.handle import Model


@click.command()
@click.argument("name")
@click.argument("prompt")
@click.option("--max-tokens", type=int, default=128, show_default=True)
@click.option("--min-tokens", type=int)
@click.option("--temperature", type=float, help="0 is greedy; the model's own when not given.")
@click.option("--top-k", type=int)
@click.option("--top-p", type=float)
@click.option("--min-p", type=float)
@click.option("--repetition-penalty", type=float)
@click.option("--presence-penalty", type=float)
@click.option("--frequency-penalty", type=float)
@click.option("--stop", multiple=True, help="End before this string; may be repeated.")
@click.option("--bad-words", multiple=True, help="Never complete this string; may be repeated.")
@click.option("--no-repeat-ngram-size", type=int, help="No so many tokens in a row twice, the prompt's included.")
@click.option("--num-beams", type=int, help="Beam search over so many beams, without chance.")
@click.option("--early-stopping", is_flag=True, help="End a search at its first num-beams answers.")
@click.option("--length-penalty", type=float, help="Of a search: above 0 favours long answers, below 0 short ones.")
@click.option("--seed", type=int, help="Random when not given, and printed.")
@click.option(
    "--num-return-sequences",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="The best of a search, or draws with seeds one after another.",
)
@click.option("--chat/--raw", "talk", default=None, help="As a chat's turn or as plain text; a chat where it can.")
@click.option("--precision", type=click.Choice(["float32", "bf16"]), help="Type of weights and activations.")
@click.option("--logprobs", is_flag=True, help="Log-probability of every token.")
@common()
def command(
    name: str,
    prompt: str,
    talk: bool | None,
    num_return_sequences: int,
    precision: str | None,
    logprobs: bool,
    as_json: bool,
    quiet: bool,
    **chosen: Any,
) -> None:
    """Complete a prompt.

    Example: athanor generate mine "Once upon a time" --raw --max-tokens 60
    """
    from athanor.generate.request import Settings
    from athanor.generate.sequences import answers_of, check_number, requests_for

    given = {key: value for key, value in chosen.items() if value is not None and value != ()}
    check_number(num_return_sequences, Settings.of(given))  # before a model is loaded

    from athanor.generate.handle import load

    model = load(name, precision)
    began = time.monotonic()
    if model.fills:
        result = _filled(model, prompt, began, logprobs)
        emit(result, result["text"], as_json)
        return
    as_chat = model.talks if talk is None else talk
    words = [{"role": "user", "content": prompt}] if as_chat else prompt
    settings = model.settings(**given)
    check_number(num_return_sequences, settings)
    if settings.temperature and not quiet and not as_json:
        tell(f"seed {settings.seed}\n", sys.stderr)
    requests = requests_for(model.request(words, settings), num_return_sequences)
    if num_return_sequences == 1 and not as_json:
        for text in model.stream_request(requests[0]):
            _write(text)
        _write("\n")
        return
    model.engine.complete(requests)
    seconds = time.monotonic() - began
    first, answers = requests[0], answers_of(requests, num_return_sequences)
    count = sum(len(answer.ids) for answer in answers)
    result = {
        "text": first.text,
        "texts": [answer.text for answer in answers],
        "token_ids": first.ids,
        "prompt_tokens": first.prompt_tokens,
        "completion_tokens": len(first.ids),
        "finish_reason": first.finish_reason,
        "seed": settings.seed,
        "seconds": seconds,
        "first_token_seconds": first.first_token_seconds,
        "tokens_per_second": count / seconds if seconds else 0.0,
        "logprobs": first.logprobs if logprobs else None,
    }
    emit(result, lambda: "\n---\n".join(answer.text for answer in answers), as_json)


def _filled(model: Model, prompt: str, began: float, logprobs: bool) -> dict[str, Any]:
    """The object for a text whose masks were filled."""
    filled = model.fill(prompt)
    seconds = time.monotonic() - began
    return {
        "text": filled.text,
        "texts": [filled.text],
        "token_ids": filled.ids,
        "prompt_tokens": filled.prompt_tokens,
        "completion_tokens": len(filled.ids),
        "finish_reason": "stop",
        "seed": None,
        "seconds": seconds,
        "first_token_seconds": seconds,
        "tokens_per_second": len(filled.ids) / seconds if seconds else 0.0,
        "logprobs": filled.logprobs if logprobs else None,
    }


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()

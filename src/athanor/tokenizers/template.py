"""Chat templates: Jinja in a sandbox, with control tokens in people's words kept as words.

A template is somebody's program; `sandbox` holds what it may do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from athanor.core.errors import InputError

MAX_TEMPLATE_CHARACTERS = 100_000

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""OpenAI's ChatML, as Qwen's models use it."""


class Template:
    """A compiled chat template."""

    def __init__(self, source: str, config: Mapping[str, Any]) -> None:
        import jinja2

        from athanor.tokenizers.sandbox import Sandbox

        if len(source) > MAX_TEMPLATE_CHARACTERS:
            raise _refused(f"it has {len(source)} characters", MAX_TEMPLATE_CHARACTERS)
        self._names = {
            key: value.get("content") if isinstance(value, dict) else value
            for key, value in config.items()
            if key.endswith("_token") and isinstance(value, str | dict)
        }
        try:
            self._template = Sandbox().compiled(source)
        # Python's own compiler and its stack end some templates that Jinja's parser lets through.
        except (jinja2.TemplateError, SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as error:
            raise _refused(f"it cannot be read ({error})", None) from None

    def render(self, messages: Sequence[Mapping[str, Any]], answer: bool) -> str:
        """The chat as text. answer: with the opening of the assistant's turn.

        A message's values are strings or None; a list of text parts becomes one string. Raises InputError.
        """
        from athanor.tokenizers import sandbox

        flat = _flat(messages)
        sandbox.start()
        try:
            return self._template.render(messages=flat, add_generation_prompt=answer, **self._names)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's program raises is the program's fault
            raise _refused(f"it fails on this chat ({str(error)[:300]})", None) from None

    def pieces(
        self, messages: Sequence[Mapping[str, Any]], specials: Collection[str], answer: bool
    ) -> list[tuple[str, bool]]:
        """The rendered chat cut at the template's own control tokens: (text, is a control token).

        Before rendering, control tokens that stand inside a message lose their first letter to a placeholder for this
        letter that occurs nowhere in the chat; so what is cut afterwards can only be the template's.
        """
        if not specials:
            return [(self.render(messages, answer), False)]
        pattern = re.compile("|".join(re.escape(name) for name in sorted(specials, key=len, reverse=True)))
        messages = _flat(messages)
        words = "".join(part for message in messages for pair in message.items() for part in pair if part)
        if not pattern.search(words):
            return _cut(self.render(messages, answer), pattern, {})
        free = (chr(code) for code in range(0xF0000, 0xFFFFD) if chr(code) not in words)
        spare = {letter: next(free) for letter in sorted({name[0] for name in specials})}

        def masked(words: str) -> str:
            while pattern.search(words):  # again, where the rest of one name is another
                words = pattern.sub(lambda found: spare[found[0][0]] + found[0][1:], words)
            return words

        hidden = [{masked(key): part and masked(part) for key, part in message.items()} for message in messages]
        return _cut(self.render(hidden, answer), pattern, {ord(mark): letter for letter, mark in spare.items()})


def _flat(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    """The messages with strings for values: in anything deeper, control tokens would not be found."""
    return [{key: _words(key, value) for key, value in message.items()} for message in messages]


def _words(key: str, value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        value = "\n".join(part["text"] for part in value)
    if value is not None and not isinstance(value, str):
        raise InputError(
            f"A message's {key} is a {type(value).__name__}.",
            value=type(value).__name__,
            limit="text, or a list of text parts",
            remedy="Send the message's words as text; this model reads nothing else.",
        )
    return value


def _cut(text: str, pattern: re.Pattern[str], restore: Mapping[int, str]) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    at = 0
    for found in pattern.finditer(text):
        if found.start() > at:
            pieces.append((text[at : found.start()], False))
        pieces.append((found[0], True))
        at = found.end()
    if at < len(text):
        pieces.append((text[at:], False))
    return [(text if special else text.translate(restore), special) for text, special in pieces]


def _refused(why: str, limit: Any) -> InputError:
    return InputError(
        f"The chat template cannot be used: {why}.",
        limit=limit,
        remedy="Replace the template in tokenizer_config.json, or send plain prompts.",
    )

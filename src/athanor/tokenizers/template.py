"""Chat templates: Jinja in a sandbox, with control tokens in people's words kept as words.

A template is somebody's program. It runs in Jinja's immutable sandbox, without loaders, files or attributes that
begin with an underscore, with bounded output and loops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from athanor.core.errors import InputError

MAX_TEMPLATE_CHARACTERS = 100_000
MAX_RENDERED_CHARACTERS = 20_000_000
MAX_RANGE = 10_000

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""OpenAI's ChatML, as Qwen's models use it."""


class Template:
    """A compiled chat template."""

    def __init__(self, source: str, config: Mapping[str, Any]) -> None:
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        if len(source) > MAX_TEMPLATE_CHARACTERS:
            raise _refused(f"it has {len(source)} characters", MAX_TEMPLATE_CHARACTERS)
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
        environment.globals = {"raise_exception": _raise, "range": _range, "namespace": jinja2.utils.Namespace}
        environment.filters["tojson"] = _to_json
        self._names = {
            key: value["content"] if isinstance(value, dict) else value
            for key, value in config.items()
            if key.endswith("_token") and isinstance(value, str | dict)
        }
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise _refused(f"it cannot be read ({error})", None) from None

    def render(self, messages: Sequence[Mapping[str, str]], answer: bool) -> str:
        """The chat as text. answer: with the opening of the assistant's turn."""
        import jinja2

        parts, length = [], 0
        try:
            for part in self._template.generate(
                messages=[dict(message) for message in messages], add_generation_prompt=answer, **self._names
            ):
                parts.append(part)
                length += len(part)
                if length > MAX_RENDERED_CHARACTERS:
                    raise _refused("it renders without end", MAX_RENDERED_CHARACTERS)
        except (jinja2.TemplateError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise _refused(f"it fails on this chat ({error})", None) from None
        return "".join(parts)

    def pieces(
        self, messages: Sequence[Mapping[str, str]], specials: Collection[str], answer: bool
    ) -> list[tuple[str, bool]]:
        """The rendered chat cut at the template's own control tokens: (text, is a control token).

        Before rendering, control tokens that stand inside a message lose their first letter to a placeholder that
        occurs nowhere in the chat; so what is cut afterwards can only be the template's.
        """
        if not specials:
            return [(self.render(messages, answer), False)]
        pattern = re.compile("|".join(re.escape(name) for name in sorted(specials, key=len, reverse=True)))
        words = "".join(message["content"] for message in messages)
        if not pattern.search(words):
            return _cut(self.render(messages, answer), pattern, None)
        spare = next(chr(code) for code in range(0xF0000, 0xFFFFD) if chr(code) not in words)
        first = {name: name[0] for name in specials}
        masked = [
            {**message, "content": pattern.sub(lambda found: spare + found[0][1:], message["content"])}
            for message in messages
        ]
        # Every control token of one vocabulary begins with the same letter in practice; where they differ, the
        # letter is found again by the rest of the name.
        return _cut(self.render(masked, answer), pattern, _Restore(spare, first))


class _Restore:
    def __init__(self, spare: str, first: Mapping[str, str]) -> None:
        self._rest = re.compile("|".join(re.escape(spare + name[1:]) for name in sorted(first, key=len, reverse=True)))
        self._names = {spare + name[1:]: name for name in first}

    def __call__(self, text: str) -> str:
        return self._rest.sub(lambda found: self._names[found[0]], text)


def _cut(text: str, pattern: re.Pattern[str], restore: _Restore | None) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    at = 0
    for found in pattern.finditer(text):
        if found.start() > at:
            pieces.append((text[at : found.start()], False))
        pieces.append((found[0], True))
        at = found.end()
    if at < len(text):
        pieces.append((text[at:], False))
    return [(restore(text), special) if restore and not special else (text, special) for text, special in pieces]


def _raise(message: str) -> None:
    raise ValueError(message)


def _range(*numbers: int) -> range:
    found = range(*numbers)
    if len(found) > MAX_RANGE:
        raise OverflowError(f"a range of {len(found)}")
    return found


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refused(why: str, limit: Any) -> InputError:
    return InputError(
        f"The chat template cannot be used: {why}.",
        limit=limit,
        remedy="Replace the template in tokenizer_config.json, or send plain prompts.",
    )

"""A JSON object as a text or a chat: the spellings of the published data sets' formats.

Texts: `text` or `content`. Chats: `messages` or `conversations` (role and content, from and value, speaker and text),
`turns`; question and answer under several pairs of keys, the question with the `input`, `context` or text beside it,
behind a `system` message and the pairs of a `history`. Any other object becomes a text of `key: value` lines.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from athanor.data.documents import Limits, Message, RawDocument

CHATS = ("messages", "conversations", "conversation", "turns", "dialogue", "dialog")
TEXTS = ("text", "content")
ROLE_KEYS = ("role", "from", "speaker")
CONTENT_KEYS = ("content", "value", "text")
ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user", "customer": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatgpt": "assistant",
    "tool": "tool", "function": "tool", "observation": "tool", "function_call": "assistant",
}  # fmt: skip
PAIRS = (("question", "answer"), ("instruction", "output"), ("prompt", "completion"), ("prompt", "response"),
         ("instruction", "response"), ("query", "response"), ("input", "output"))  # fmt: skip
CONTEXTS = ("input", "context", *TEXTS)  # what a pair's question is about
# Words about a record and not of it.
BOOKKEEPING = frozenset({"id", "uuid", "_id", "hash", "sha256", "url", "timestamp", "split", "source", "attribution"})


def document(source: str, place: int, limits: Limits) -> RawDocument:
    """The row as a document, or with the reason `broken_json`."""
    try:
        return _of_value(_checked(source, limits), place)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return RawDocument(place=place, reason="broken_json")


def documents(source: str, limits: Limits) -> list[RawDocument]:
    """A file's only value as documents: the rows of an object that wraps a list of objects, or one document."""
    try:
        value = _checked(source, limits)
        return [_of_value(item, place) for place, item in enumerate(_wrapped(value) or [value])]
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return [RawDocument(place=0, reason="broken_json")]


def may_wrap(source: str, limits: Limits) -> bool:
    """Whether an object, given with its list of rows left empty, is none of a text or a chat itself."""
    try:
        value = _checked(source, limits)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return False
    return isinstance(value, dict) and not _is_row(value)


def _wrapped(value: Any) -> list[Any]:
    """The rows of `{"data": [{…}, {…}, …], …}`, with what stands beside them as the last; empty for any other value.

    Where more stands beside the list than in it, the object is a row with a list.
    """
    if not isinstance(value, dict) or _is_row(value):
        return []
    keys = [key for key, item in value.items() if _is_table(item)]
    if len(keys) != 1:
        return []
    beside = {key: item for key, item in value.items() if key != keys[0]}
    if len(value[keys[0]]) <= len(beside):
        return []
    return [*value[keys[0]], *([beside] if beside else [])]


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value)


def _is_row(value: dict[str, Any]) -> bool:
    """Whether an object has one of the spellings of a text or a chat."""
    chat = any(isinstance(value.get(key), list) for key in CHATS)
    pair = any(isinstance(value.get(one), str) and isinstance(value.get(two), str) for one, two in PAIRS)
    return chat or pair or any(isinstance(value.get(key), str) for key in TEXTS)


def _checked(source: str, limits: Limits) -> Any:
    """The value. Raises ValueError, RecursionError or MsgspecError where it is broken or too deep."""
    if _too_deep(source, limits.depth):
        raise ValueError("nested too deeply")
    return _decode(source)


def _of_value(value: Any, place: int) -> RawDocument:
    if isinstance(value, str):
        return RawDocument(place=place, text=value)
    if not isinstance(value, dict):
        return RawDocument(place=place, reason="no_text")
    return _of_object(value, place)


def _decode(source: str) -> Any:
    try:
        return msgspec.json.decode(source)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(source)  # NaN, and halves of surrogate pairs, which cleaning takes out


def _too_deep(source: str, limit: int) -> bool:
    if source.count("[") + source.count("{") <= limit:
        return False
    depth, inside, escaped = 0, False, False
    for character in source:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > limit:
                return True
        elif character in "]}":
            depth -= 1
    return False


def _of_object(value: dict[str, Any], place: int) -> RawDocument:
    for key in CHATS:
        if isinstance(value.get(key), list):
            return _chat(value[key], value.get("system"), place)
    for asked, answered in PAIRS:
        if isinstance(value.get(asked), str) and isinstance(value.get(answered), str):
            return _pair(value, asked, answered, place)
    for key in TEXTS:
        if isinstance(value.get(key), str):
            return RawDocument(place=place, text=value[key])
    return _lines(value, place)


def _pair(value: dict[str, Any], asked: str, answered: str, place: int) -> RawDocument:
    question, answer = value[asked].strip(), value[answered].strip()
    if not question or not answer:
        return RawDocument(place=place, reason="empty")
    # What holds both is the pair in another form: Alpaca's `text` is the whole prompt and its answer.
    beside = [value[key].strip() for key in CONTEXTS if key != asked and isinstance(value.get(key), str)]
    asking = "\n".join([question, *(text for text in beside if text and not (question in text and answer in text))])
    given = value["history"] if isinstance(value.get("history"), list) else []
    history = _history(given)
    turns = [*history, {"role": "user", "content": asking}, {"role": "assistant", "content": answer}]
    chat = _chat(turns, value.get("system"), place)
    if given and not history:
        chat.repaired["histories"] = 1
    return chat


def _history(given: list[Any]) -> list[Any]:
    """The turns before a pair, given as pairs of texts or as turns with roles; empty where they read as neither."""
    if all(isinstance(turn, dict) and all(_message(turn, 0) or ("", "")) for turn in given):
        return given
    if all(isinstance(pair, list) and len(pair) == 2 and all(map(_is_words, pair)) for pair in given):
        return [text for pair in given for text in pair]
    return []


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _chat(turns: list[Any], system: Any, place: int) -> RawDocument:
    messages = _messages(turns, system)
    if not messages:
        return RawDocument(place=place, reason="broken_chat")
    return RawDocument(place=place, messages=messages)


def _messages(turns: list[Any], system: Any) -> list[Message]:
    """The turns; empty when one cannot be read or the assistant says nothing."""
    found: list[Message] = []
    if isinstance(system, str) and system.strip():
        found.append(("system", system.strip()))
    for number, turn in enumerate(turns):
        message = _message(turn, number)
        if message is None:
            return []
        if message[1]:
            found.append(message)
    if not any(role == "assistant" for role, _ in found) or not any(role == "user" for role, _ in found):
        return []
    return found


def _message(turn: Any, number: int) -> Message | None:
    """(role, text) of a turn, where turns without a role alternate; None when it cannot be read."""
    if isinstance(turn, str):
        role, content = ("user", "assistant")[number % 2], turn
    elif isinstance(turn, dict):
        name = next((turn[key] for key in ROLE_KEYS if isinstance(turn.get(key), str)), None)
        role = ROLES.get(name.strip().lower()) if name else None
        content = _content(next((turn[key] for key in CONTENT_KEYS if key in turn), None))
    else:
        return None
    return None if role is None or content is None else (role, content.strip())


def _content(value: Any) -> str | None:
    """A message's text; OpenAI's list of parts is joined, other things than text beside it are left out."""
    if isinstance(value, list):
        words = [part.get("text") if isinstance(part, dict) else part for part in value]
        texts = [word for word in words if isinstance(word, str)]
        return "\n".join(texts) if texts or not value else None
    return value if isinstance(value, str) else None


def _lines(value: dict[str, Any], place: int) -> RawDocument:
    rows = [f"{key}: {_plain(item)}" for key, item in value.items() if key not in BOOKKEEPING and _plain(item)]
    if not rows:
        return RawDocument(place=place, reason="no_text")
    return RawDocument(place=place, text="\n".join(rows))


def _plain(item: Any) -> str:
    """A value in words; nested objects are left as JSON."""
    if isinstance(item, str):
        return item.strip()
    if isinstance(item, bool) or item is None:
        return "" if item is None else str(item).lower()
    if isinstance(item, list) and all(isinstance(part, str | int | float) for part in item):
        return ", ".join(str(part) for part in item)
    return json.dumps(item, ensure_ascii=False)

"""A conversation in a terminal or a pipe: history, commands, answers that stream and can be stopped.

The history is cut from its beginning when it no longer fits the context, and that is said.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from athanor.core import signals
from athanor.core.errors import AthanorError, Interrupted
from athanor.core.files import write_atomic
from athanor.core.progress import Reporter
from athanor.generate.request import Request, Settings

if TYPE_CHECKING:
    from athanor.generate.handle import Model

WORDS = {
    "en": {
        "help": """/reset          forget what was said
/save FILE      write the conversation as JSON
/stats          tokens and speed so far
/system TEXT    what the model is told before the first turn
/help           this
/exit           leave; end of input leaves too
\"\"\"             begins and ends a text of several lines""",
        "welcome": "/help names the commands, /exit leaves",
        "reset": "forgotten",
        "set": "system text set",
        "removed": "system text removed",
        "ignored": "this model has no chat template, so it does not read the system text",
        "saved": "saved to {0}",
        "not saved": "not saved: {0}",
        "cut": "(the first {0} messages no longer fit and are not read)",
        "asked": "{0} is no command and was asked as a question; did you mean {1}?",
        "stats": "{0} answers, {1} tokens, {2:.0f} tokens/s",
    },
    "zh": {
        "help": """/reset          忘掉前面的对话
/save 文件      把对话存为 JSON
/stats          至今的词元数和速度
/system 文字    第一轮之前告诉模型的话
/help           本说明
/exit           离开；输入结束也会离开
\"\"\"             多行文字的开头和结尾""",
        "welcome": "/help 列出命令，/exit 离开",
        "reset": "已忘记",
        "set": "系统文字已设定",
        "removed": "系统文字已去掉",
        "ignored": "这个模型没有对话模板，不会读系统文字",
        "saved": "已存到 {0}",
        "not saved": "没有存成：{0}",
        "cut": "（最前面的 {0} 条已放不下，不再读取）",
        "asked": "没有命令 {0}，已当作问题提出；是不是想用 {1}？",
        "stats": "{0} 个回答，{1} 个词元，每秒 {2:.0f} 个",
    },
}
COMMANDS = ("/exit", "/help", "/quit", "/reset", "/save", "/stats", "/system")
PROMPT, MARK = "> ", '"""'
LEAST_ROOM = 16  # tokens kept free for an answer


def words(key: str, *values: object) -> str:
    """A message in the language of ATHANOR_LANG (en or zh)."""
    language = "zh" if os.environ.get("ATHANOR_LANG", "en").lower().startswith("zh") else "en"
    return WORDS[language][key].format(*values) if values else WORDS[language][key]


class Talk:
    """One conversation with a model."""

    def __init__(self, model: Model, settings: Settings, system: str | None) -> None:
        self.model, self.settings, self.system = model, settings, system
        self.messages: list[dict[str, str]] = []
        self.turns = 0
        self.tokens = 0
        self.seconds = 0.0
        self.forgotten = 0

    @property
    def ignores_system(self) -> bool:
        """Whether there is a system text and no chat template to put it in."""
        return bool(self.system) and not self.model.talks

    def reset(self) -> None:
        """Forget the history."""
        self.messages, self.forgotten = [], 0

    def answer(self, text: str) -> Iterator[str]:
        """The answer to one more turn, in pieces; a stopped answer stays in the history as far as it came."""
        kept, forgotten = list(self.messages), self.forgotten
        self.messages.append({"role": "user", "content": text})
        try:
            yield from self._said(self._request())
        except AthanorError:  # a turn that was refused was never said
            self.messages, self.forgotten = kept, forgotten
            raise

    def stats(self) -> str:
        """Turns, tokens, speed."""
        rate = self.tokens / self.seconds if self.seconds else 0.0
        return words("stats", self.turns, self.tokens, rate)

    def save(self, path: Path) -> None:
        """Write the conversation as JSON."""
        found = {"model": str(self.model.folder), "system": self.system, "messages": self.messages}
        # Half a UTF-16 pair, in a system text or a path, becomes its escape, which JSON has too.
        write_atomic(path, (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace"))

    def _request(self) -> Request:
        """The request for the next answer, with as many of the newest turns as the context holds."""
        room = self.model.engine.context - LEAST_ROOM
        opening = [{"role": "system", "content": self.system}] if self.system else []
        while True:
            turns = [*opening, *self.messages[self.forgotten :]]
            prompt = turns if self.model.talks else self.messages[-1]["content"]
            request = self.model.request(prompt, self.settings)
            if len(request.prompt) <= room or self.forgotten >= len(self.messages) - 1:
                return request
            self.forgotten = min(self.forgotten + 2, len(self.messages) - 1)

    def _said(self, request: Request) -> Iterator[str]:
        began = time.monotonic()
        try:
            yield from self.model.stream_request(request)
        finally:
            if request.done:  # else it was refused
                self.turns += 1
                self.tokens += len(request.ids)
                self.seconds += time.monotonic() - began
                self.messages.append({"role": "assistant", "content": request.text})


def converse(talk: Talk, source: TextIO, sink: TextIO, reporter: Reporter) -> None:
    """Answer until the input ends or /exit. In a pipe every question has its answer, an empty line where refused."""
    live = source.isatty()
    if live:
        reporter.say(words("welcome"))
    if talk.ignores_system:
        reporter.warn(words("ignored"))
    for text, is_line in _texts(source, sink if live else None):
        if is_line and _is_command(text, live):
            if not _command(talk, text, sink, reporter):
                return
        elif text.strip():
            if is_line and (meant := _mistyped(text)):
                reporter.warn(words("asked", text.split()[0], meant))
            _say(talk, text, sink, reporter, live)


def _is_command(line: str, live: bool) -> bool:
    """Whether a line is for us: a mistyped command gets help where somebody types, and is a question in a pipe."""
    return line.startswith("/") and (live or line.strip().partition(" ")[0] in COMMANDS)


def _mistyped(line: str) -> str | None:
    """The command that a line of a pipe almost is."""
    if not line.startswith("/"):
        return None
    return next(iter(get_close_matches(line.split()[0], COMMANDS, 1)), None)


def _say(talk: Talk, text: str, sink: TextIO, reporter: Reporter, live: bool) -> None:
    before = talk.forgotten
    try:
        with signals.deferred() as stop:
            for piece in talk.answer(text):
                _write(sink, piece)
                if stop.is_set:
                    break
    except AthanorError as error:
        reporter.warn(str(error))
        if not live:
            _write(sink, "\n")
        return
    _write(sink, "\n")
    if talk.forgotten > before:
        reporter.say(words("cut", talk.forgotten))
    if stop.signal is not None and stop.signal is not signal.SIGINT:
        raise signals.interrupted(stop.signal)


def _command(talk: Talk, text: str, sink: TextIO, reporter: Reporter) -> bool:
    """Do a command; False to leave."""
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if word in ("/exit", "/quit"):
        return False
    if word == "/reset":
        talk.reset()
        reporter.say(words("reset"))
    elif word == "/stats":
        _write(sink, talk.stats() + "\n")
    elif word == "/system":
        talk.system = rest or None
        if talk.ignores_system:
            reporter.warn(words("ignored"))
        else:
            reporter.say(words("set" if rest else "removed"))
    elif word == "/save" and rest:
        _save(talk, Path(rest), reporter)
    else:
        _write(sink, words("help") + "\n")
    return True


def _save(talk: Talk, path: Path, reporter: Reporter) -> None:
    try:
        talk.save(path)
        reporter.say(words("saved", path))
    except OSError as error:
        reporter.warn(words("not saved", error))


def _texts(source: TextIO, prompt: TextIO | None) -> Iterator[tuple[str, bool]]:
    """(text, is a line): lines, and texts of several lines between marks or from a mark to the end of the input."""
    held: list[str] | None = None
    while True:
        if prompt is not None:
            _write(prompt, ". " if held is not None else PROMPT)
        line = _line(source, prompt)
        if not line:
            if line is not None and held is not None:
                yield "\n".join(held), False
            return
        text = line.rstrip("\n")
        if text.strip() == MARK:
            if held is not None:
                yield "\n".join(held), False
            held = [] if held is None else None
        elif held is not None:
            held.append(text)
        else:
            yield text, True


def _line(source: TextIO, prompt: TextIO | None) -> str | None:
    """The next line, empty at the end of the input; None when the keys end the chat."""
    try:
        return source.readline()
    except Interrupted as stop:
        if stop.value != signal.SIGINT.name:
            raise
        if prompt is not None:
            _write(prompt, "\n")
        return None


def _write(sink: TextIO, text: str) -> None:
    encoding = sink.encoding or "utf-8"
    sink.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sink.flush()

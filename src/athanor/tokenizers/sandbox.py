"""The sandbox that chat templates run in: Jinja's immutable one, with a budget.

A template comes with a checkpoint, so it is a stranger's program. Jinja keeps it from attributes, files and the
interpreter; here it is also kept from burning time and memory. Every iteration, call and operation looks at the clock
of this thread, every string that is made is counted, and what could grow at one stroke (products, powers, padding,
formatting) is bounded or left out. Left out on purpose: filters and string methods that no published chat template
uses.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Literal, cast

import jinja2
import jinja2.filters
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

SECONDS = 1.0  # of this thread's processor time, for one rendering
MAX_RENDERED_CHARACTERS = 20_000_000
MAX_RANGE = 10_000
MAX_ITEMS = 100_000  # of a list, of everything inside it
MAX_BITS = 4096  # of a whole number
MAX_INDENT = 16
MAX_PRECISION = 16  # digits that a number is rounded to

FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "int", "items", "last",
    "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "safe", "select",
    "selectattr", "sort", "title", "trim", "unique", "upper",
)  # fmt: skip
PADDING = frozenset({"center", "encode", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"})


class OverBudget(jinja2.TemplateError):
    """A template asked for too much."""


class Budget:
    """Time and characters left for one rendering."""

    def __init__(self) -> None:
        self._until = time.thread_time() + SECONDS
        self._left = MAX_RENDERED_CHARACTERS

    def spend(self, characters: int) -> None:
        """Count characters that are made; raise OverBudget when they or the time are used up."""
        self._left -= characters
        if self._left < 0:
            raise OverBudget(f"it makes more than {MAX_RENDERED_CHARACTERS} characters")
        if time.thread_time() > self._until:
            raise OverBudget(f"it takes longer than {SECONDS:g} s")


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


def start() -> None:
    """A fresh budget for what this thread renders next."""
    _budget.set(Budget())


def spend(characters: int) -> None:
    """Count against the budget of this rendering."""
    budget = _budget.get()
    if budget is not None:
        budget.spend(characters)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment templates are compiled in."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
            optimized=False,
            finalize=_shown,
            extensions=["jinja2.ext.loopcontrols"],
        )
        self.globals = {"raise_exception": _raise, "range": _range, "namespace": jinja2.utils.Namespace}
        own: dict[str, Callable[..., Any]] = {
            "counted": _counted, "indent": _indent, "join": _join, "joined": _joined, "replace": _replace,
            "round": _round, "spent": _spent, "string": _string, "tojson": _to_json, "weighed": weighed,
        }  # fmt: skip
        self.filters = {**{name: self.filters[name] for name in FILTERS}, **own}

    def compiled(self, source: str) -> jinja2.Template:
        """The template with its loops, texts and lists under the budget. Raises TemplateError."""
        tree = self.parse(source)
        return self.from_string(_Bounded().visit(tree))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """As Jinja decides, but for methods of numbers and those of strings that make long ones out of short ones."""
        if isinstance(obj, int | float | bytes) or (isinstance(obj, str) and attr in PADDING):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Jinja would allow `format` in a safe form; here it is not allowed, since it pads."""
        return

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something from a template; its text is counted."""
        spend(0)
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(owner, str) and name == "replace":
            return _replace(owner, *args, **kwargs)
        if isinstance(owner, str) and name == "join":
            return _join(*args, d=owner)
        found = super().call(__context, __obj, *args, **kwargs)
        return _spent(found) if isinstance(found, str) else found

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operation whose result has a bounded size."""
        sizes = [len(side) for side in (left, right) if isinstance(side, str | list | tuple)]
        if operator == "%" and isinstance(left, str):
            raise SecurityError("texts are not formatted in templates")
        if operator == "*" and sizes:
            times = right if isinstance(left, str | list | tuple) else left
            _bounded(sizes[0] * times if isinstance(times, int) else 0, MAX_ITEMS, "items")
        elif operator == "+" and len(sizes) == 2:
            if isinstance(left, str):
                spend(sum(sizes))
            else:
                _bounded(sum(sizes), MAX_ITEMS, "items")
        elif operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
            _bounded(bits, MAX_BITS, "bits")
        spend(0)
        return super().call_binop(context, operator, left, right)


class _Bounded(NodeTransformer):
    """Puts the budget around loops, joined texts, blocks of text and lists."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        texts = [len(part.data) for part in node.find_all(nodes.TemplateData)]
        texts += [len(part.value) for part in node.find_all(nodes.Const) if isinstance(part.value, str)]
        node.iter = _filter(node.iter, "counted", nodes.Const(sum(texts)))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "joined")

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.AssignBlock:
        self.generic_visit(node)
        node.filter = _filter(node.filter, "spent")
        return node

    def visit_List(self, node: nodes.List) -> nodes.Filter:
        self.generic_visit(node)
        return _filter(node, "weighed")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Filter:
        self.generic_visit(node)
        return _filter(node, "weighed")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:
        self.generic_visit(node)
        return _filter(node, "weighed") if node.ctx == "load" else node


def _filter(node: nodes.Node | None, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(
        cast(nodes.Expr | None, node), name, list(args), [], None, None, lineno=node.lineno if node is not None else 1
    )


def weighed(value: Any) -> Any:
    """The value, where it holds no more than MAX_ITEMS items in all; shared parts count each time they stand."""
    left, open_ = MAX_ITEMS, [value]
    while open_:
        item = open_.pop()
        if isinstance(item, dict):
            inner: Iterable[Any] = (*item.keys(), *item.values())
        elif isinstance(item, list | tuple):
            inner = item
        else:
            continue
        open_.extend(inner)
        left -= len(item) + 1
        _bounded(-left, 0, "items")
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Undefined) and value._undefined_exception is SecurityError:
        value._fail_with_undefined_error()
    return _spent(value) if isinstance(value, str) else _string(value)


def _string(value: Any) -> str:
    return _spent(value if isinstance(value, str) else str(weighed(value)))


def _spent(text: str) -> str:
    spend(len(text))
    return text


def _counted(items: Iterable[Any], characters: int) -> Iterator[Any]:
    for item in items:
        spend(characters)
        yield item


def _joined(parts: list[Any]) -> str:
    return "".join([_string(part) for part in parts])


def _join(value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        raise SecurityError("join takes no attribute in templates")
    parts = [_string(part) for part in value]
    spend(len(d) * len(parts))
    return str(d).join(parts)


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    text, old, new = _string(text), str(old), str(new)
    spend(len(new) * (text.count(old) if old else len(text) + 1))
    return text.replace(old, new, -1 if count is None else count)


def _indent(text: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    space = width if isinstance(width, str) else " " * _bounded(width, MAX_INDENT, "spaces")
    lines = _string(text).splitlines()
    spend(len(space) * len(lines))
    shown = [space + line if (line or blank) and (first or number) else line for number, line in enumerate(lines)]
    return "\n".join(shown)


def _round(value: float, precision: int = 0, method: Literal["common", "ceil", "floor"] = "common") -> float:
    _bounded(abs(precision), MAX_PRECISION, "digits")
    return jinja2.filters.do_round(value, precision, method)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    _bounded(indent if isinstance(indent, int) else 0, MAX_INDENT, "spaces")
    text = json.dumps(
        weighed(value), ensure_ascii=ensure_ascii, indent=indent if isinstance(indent, int) else None,
        separators=separators, sort_keys=sort_keys,
    )  # fmt: skip
    return _spent(text)


def _range(*numbers: int) -> range:
    found = range(*numbers)
    _bounded(_length(found), MAX_RANGE, "numbers")
    return found


def _length(numbers: range) -> int:
    try:
        return len(numbers)
    except OverflowError:
        return MAX_RANGE + 1


def _bounded(size: int, most: int, what: str) -> int:
    if size > most:
        raise OverBudget(f"it asks for {min(size, 10**12):,} {what}")
    return size


def _raise(message: str) -> None:
    raise jinja2.TemplateRuntimeError(str(message))

"""Templates are strangers' programs: known escapes leave a canary untouched, bombs end within a second.

Each must end as an InputError. Run: pytest tests/tokenizers/test_template_sandbox.py
"""

from __future__ import annotations

import resource
import signal
import sys
import time

import pytest

from athanor.core.errors import InputError, Interrupted
from athanor.tokenizers import sandbox
from athanor.tokenizers.template import CHATML, MAX_TEMPLATE_CHARACTERS, Template

MESSAGES = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "yes"}]
CANARY = "sys.modules['canary_module'].touched.append(1)"
RUN = f"__import__('builtins').exec(\"import sys; {CANARY}\")"
GLOBALS = f".__globals__['__builtins__']['eval'](\"{RUN}\")"

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('__cla' ~ 'ss__')|attr('__mro__') }}",
    "{{ messages|map(attribute='__class__')|first }}",
    "{{ messages|map('attr', '__class__')|list }}",
    "{{ messages|map(attribute='__class__.__mro__')|first }}",
    "{{ messages|sort(attribute='__class__.__base__') and ().__class__.__base__ }}",
    "{{ cycler.__init__" + GLOBALS + " }}",
    "{{ joiner.__init__" + GLOBALS + " }}",
    "{{ lipsum" + GLOBALS + " }}",
    "{{ namespace.__init__" + GLOBALS + " }}",
    "{{ namespace(a=1).__class__.__init__" + GLOBALS + " }}",
    "{{ range" + GLOBALS + " }}",
    "{{ raise_exception" + GLOBALS + " }}",
    "{{ raise_exception.__code__.co_consts }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__" + GLOBALS + " }}",
    "{{ loop.__init__ }}",
    "{% for m in messages %}{{ loop.__init__" + GLOBALS + " }}{% endfor %}",
    "{% for m in messages %}{{ loop._iterator.gi_frame.f_globals }}{% endfor %}",
    "{% macro m() %}x{% endmacro %}{{ m._func.__globals__ }}",
    "{% macro m() %}x{% endmacro %}{{ m._environment.from_string('x') }}",
    "{% macro m() %}x{% endmacro %}{{ m._func.__code__ }}",
    "{{ m.__init__.__globals__ if false else ''.format.__self__.__class__ }}",
    "{{ '{0.__class__.__mro__}'.format('') }}",
    "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "{{ ('%s' % messages)|attr('format')('{0.__class__}') }}",
    "{% set f = '{0.__class__}'|attr('format') %}{{ f(1) }}",
    "{{ ['{0.__class__.__init__}']|map('format', 1)|list }}",
    "{{ (messages|list).append(1) }}",
    "{{ messages.append({}) }}",
    "{{ messages[0].update({'role': 'system'}) }}",
    "{{ messages[0].pop('role') }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__.__name__ }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.system('true') }}",
    "{% extends 'x' %}",
    "{% from 'os' import system %}{{ system('true') }}",
    "{{ config.__class__ }}{{ get_flashed_messages" + GLOBALS + " }}",
    "{{ url_for" + GLOBALS + " }}",
    "{{ request.application" + GLOBALS + " }}",
    "{{ environment.globals['x'].y }}",
    "{{ messages.__iter__().__next__ }}",
    "{{ (1).__class__.__base__.__subclasses__() }}",
    "{{ true.__class__.mro() }}",
    "{{ {}.__class__.fromkeys([1]) }}",
    "{{ messages[0].items().__reduce__() }}",
    "{% set x = messages|tojson %}{{ x.__class__.__doc__ }}",
    "{{ caller.__globals__.x }}",
    "{% block a %}{{ self.a._context }}{% endblock %}",
    "{{ ''.join.__self__.__class__ }}",
    "{{ raise_exception('stop') }}",
    "{{ 1/0 }}",
    "{{ unknown.deeper }}",
    "{{ messages[99].role.x }}",
    "{{ 'x'|nofilter }}",
    "{% if x is notest %}{% endif %}",
    "{% unknown %}",
    "{{ ",
    "{% for x in messages %}",
]

BOMBS = {
    "range of 1e9": "{% for i in range(1e9) %}x{% endfor %}",
    "range of 10**9": "{% for i in range(10**9) %}x{% endfor %}",
    "range of 10**30": "{{ range(10**30)|list }}",
    "range backwards": "{% for i in range(10**9, 0, -1) %}x{% endfor %}",
    "loops in loops": "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "loops with a test": "{% for a in range(9999) %}{% for b in range(9999) if b < 0 %}{% endfor %}{% endfor %}",
    "loops of text": "{% for a in range(10000) %}{% for b in range(10000) %}xxxxxxxx{% endfor %}{% endfor %}",
    "string × 1e9": "{{ 'a' * 10**9 }}",
    "string × 1e9, turned": "{{ 10**9 * 'a' }}",
    "string × 1e12 thrown away": "{% set x = 'a' * 10**12 %}",
    "list × 1e9": "{% set x = [0] * 10**9 %}",
    "power": "{{ 9**(9**9) }}",
    "power in pieces": "{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "doubling +": "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "doubling ~": "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubling list": "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "doubling by nesting": "{% set n = namespace(x=1) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
    "{{ n.x }}",
    "doubling by nesting, tables": "{% set n = namespace(x=1) %}{% for i in range(60) %}"
    "{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}{{ n.x|tojson }}",
    "doubling by comparing": "{% set n = namespace(x=1, y=1) %}{% for i in range(60) %}{% set n.x = (n.x, n.x) %}"
    "{% set n.y = (n.y, n.y) %}{% endfor %}{{ n.x == n.y }}",
    "doubling in blocks": "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set b %}{{ n.x }}{{ n.x }}"
    "{% endset %}{% set n.x = b %}{% endfor %}",
    "doubling in replace": "{% set n = namespace(x='a') %}{% for i in range(60) %}"
    "{% set n.x = n.x|replace('a', 'aa') %}{% endfor %}",
    "doubling in .replace": "{% set n = namespace(x='a') %}{% for i in range(60) %}"
    "{% set n.x = n.x.replace('a', 'aa') %}{% endfor %}",
    "doubling in join": "{% set n = namespace(x='a') %}{% for i in range(60) %}"
    "{% set n.x = [n.x, n.x]|join %}{% endfor %}",
    "doubling in .join": "{% set n = namespace(x='a') %}{% for i in range(60) %}"
    "{% set n.x = n.x.join([n.x, n.x]) %}{% endfor %}",
    "doubling in filter blocks": "{% filter replace('a', 'aa') %}" * 40 + "a" + "{% endfilter %}" * 40,
    "doubling in macros": "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}" + "{{ " + "d(" * 40 + "'a'" + ")" * 40 + " }}",
    "endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "branching macro": "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "branching loop": "{% for x in [9, 9] recursive %}{{ loop([9, 9]) }}{% endfor %}",
    "branching block": "{% block b %}{{ self.b() }}{{ self.b() }}{% endblock %}",
    "texts in a macro": "{% macro m() %}{% for a in range(9999) %}{% for b in range(9999) %}" + "y" * 50_000
    + "{% endfor %}{% endfor %}{% endmacro %}{% set x = m() %}",
    "padding": "{{ 'a'.center(10**9) }}",
    "padding by filter": "{{ 'a'|center(10**9) }}",
    "padding numbers": "{{ '1'.zfill(10**9) }}",
    "tabs": "{{ '\\t'.expandtabs(10**9) }}",
    "format %": "{{ '%1000000000d' % 1 }}",
    "format filter": "{{ '%1000000000d'|format(1) }}",
    "format method": "{{ '{:>1000000000}'.format(1) }}",
    "rounding up": "{{ 5|round(4000000, 'floor') }}",
    "rounding down": "{{ 5|round(-3000000) }}",
    "bytes of a number": "{{ (5).to_bytes(300000000, 'big')|length }}",
    "padded bytes": "{{ (5).to_bytes(1, 'big').center(300000000)|length }}",
    "indent": "{{ 'a\\nb'|indent(10**9) }}",
    "indented JSON": "{{ [1]|tojson(indent=10**9) }}",
    "batch": "{{ [1]|batch(10**9, 'x')|list }}",
    "slice": "{{ [1]|slice(10**9)|list }}",
    "wordwrap": "{{ ('a ' * 9999)|wordwrap(1, wrapstring='b' * 99999) }}",
    "sorted loops": "{% for a in range(9999) %}{% set x = range(9999)|list|sort|unique|list %}{% endfor %}",
    "deep parentheses": "{{ " + "(" * 40_000 + "1" + ")" * 40_000 + " }}",
    "deep lists": "{{ " + "[" * 10_000 + "]" * 10_000 + " }}",
    "deep not": "{{ " + "not " * 20_000 + "1 }}",
    "deep if": "{% if 1 %}" * 8_000 + "{% endif %}" * 8_000,
    "deep for": "{% for x in [1] %}" * 60 + "x" + "{% endfor %}" * 60,
    "long sum": "{{ 1" + "+1" * 40_000 + " }}",
    "long chain": "{{ messages" + "|list" * 15_000 + " }}",
    "too long": "x" * (MAX_TEMPLATE_CHARACTERS + 1),
}  # fmt: skip


@pytest.fixture
def canary(monkeypatch):
    """A module that an escape would write to."""
    import types

    module = types.ModuleType("canary_module")
    module.touched = []
    monkeypatch.setitem(sys.modules, "canary_module", module)
    return module


def render(source: str) -> str:
    return Template(source, {"eos_token": "<|im_end|>"}).render([dict(message) for message in MESSAGES], True)


def test_the_canary_can_sing(canary):
    """The payload works where nothing holds it: else the test below would prove nothing."""
    eval(RUN)
    assert canary.touched == [1]


@pytest.mark.parametrize("source", ESCAPES)
def test_escapes(canary, source):
    before = [dict(message) for message in MESSAGES]
    with pytest.raises(InputError, match="chat template") as caught:
        render(source)
    assert not canary.touched and before == MESSAGES and caught.value.remedy


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS.keys())
def test_bombs(source, monkeypatch):
    """Cut at the limit (here a quarter of the real one) and what a template takes to be compiled; memory stays."""
    monkeypatch.setattr(sandbox, "SECONDS", 0.25)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.thread_time()
    with pytest.raises(InputError, match="chat template"):
        render(source)
    assert time.thread_time() - began < 4  # a busy machine counts more for the same work
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KiB


def test_a_refusal_does_not_spoil_the_next_chat():
    template = Template("{% for i in range(messages|length) %}{{ 'ab' * 3 }}{% endfor %}", {})
    began = time.thread_time()
    with pytest.raises(InputError, match="longer than 1 s"):
        render(BOMBS["loops in loops"])
    assert time.thread_time() - began < 4
    for _ in range(3):
        assert template.render(MESSAGES, False) == "ababab" * 2


def test_long_honest_chats_are_rendered():
    """10 000 turns, 2 MB: far from the limits."""
    messages = [{"role": "user", "content": "好" * 200}] * 10_000
    assert Template(CHATML, {}).render(messages, True).count("<|im_start|>user") == 10_000


def test_a_signal_during_a_rendering_is_no_fault_of_the_template():
    def stop(*_: object) -> None:
        raise Interrupted("Stopped.", remedy="Run it again.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Interrupted):
            render(BOMBS["loops in loops"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_published_templates_use():
    cases = {
        "{{ messages|tojson }}": '[{"role": "user", "content": "hello"}, {"role": "assistant", "content": "yes"}]',
        "{{ messages[0]|tojson(indent=2) }}": '{\n  "role": "user",\n  "content": "hello"\n}',
        "{{ '汉<b>'|tojson }}": '"汉<b>"',
        "{{ messages|map(attribute='role')|join(', ') }}": "user, assistant",
        "{{ messages|selectattr('role', 'equalto', 'user')|list|length }}": "1",
        "{{ messages[::-1][0].role }}": "assistant",
        "{{ messages[0].content.split('l')[-1] ~ 1 ~ none }}": "o1None",
        "{{ messages[0]['content'].startswith('he') and 'x'.upper() }}": "X",
        "{{ '  a\n'|trim ~ 'b '.strip() }}": "ab",
        "{% for m in messages %}{{ loop.index0 % 2 }}{{ loop.last }}{{ loop.length }}{% endfor %}": "0False21True2",
        "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}": "assistant",
        "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}": "role=user;content=hello;",
        "{% for k, v in messages[0]|dictsort %}{{ k }};{% endfor %}": "content;role;",
        "{% set x = [] %}{% set x = x + [1] %}{{ x }}": "[1]",
        "{{ 'a\nb'|indent(2) }}{{ 'a\nb'|indent(2, true) }}": "a\n  b  a\n  b",
        "{{ 'aXbX'|replace('X', '-') }}{{ 'aXbX'.replace('X', '-', 1) }}": "a-b-a-bX",
        "{{ tools is defined }}{{ x|default('d') }}{{ missing }}": "Falsed",
        "{{ eos_token }}": "<|im_end|>",
        "{% set t %}a{{ 1 }}{% endset %}{{ t|upper }}": "A1",
        "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}": "1213",
        "{{ [1, 2]|map('string')|list }}": "['1', '2']",
        "{% if messages|length > 1 and 'yes' in messages[1].content %}in{% endif %}": "in",
        "{{ 7 // 2 }}{{ 7 % 4 }}{{ 2 ** 5 }}{{ 7 / 2 }}{{ -3|abs }}{{ 2.6|round|int }}": "33323.533",
        "{{ 2.345|round(1, 'floor') }}{{ 7.5|round }}": "2.38.0",
        "{{ (1, 2)[0] }}": "1",
    }  # fmt: skip
    for source, wanted in cases.items():
        assert render(source) == wanted, source

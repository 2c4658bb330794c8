"""Nothing leaves the machine, and signals end work cleanly. Each case runs in a process of its own.

Run: pytest tests/core/test_offline_and_signals.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest


def child(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=20,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip


GUARD = """
import socket
from athanor.core import offline
from athanor.core.errors import InputError
offline.guard()
offline.guard()

def refused(work):
    try:
        work()
    except InputError as error:
        assert error.remedy and "refused" in error.message, error
        return True
    except OSError as error:
        return f"passed the guard: {error}"
    return "passed the guard"
"""


@pytest.mark.parametrize(
    "work",
    [
        "socket.create_connection(('192.0.2.1', 80), 0.1)",
        "socket.socket().connect(('198.51.100.7', 443))",
        "socket.socket().connect_ex(('198.51.100.7', 443))",
        "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
        "socket.getaddrinfo('example.org', 80)",
        "socket.getaddrinfo(b'example.org', 80)",
        "socket.gethostbyname('example.org')",
        "socket.gethostbyname_ex('example.org')",
        "socket.gethostbyaddr('192.0.2.1')",
        "socket.getnameinfo(('192.0.2.1', 80), 0)",
        "socket.getaddrinfo('127.0.0.1.example.org', 80)",
        "socket.getaddrinfo('localhost.example.org', 80)",
        "socket.socket().connect(('0.0.0.0', 80))",
        "socket.socket().connect(('2130706433', 80))",
        "__import__('urllib.request').request.urlopen('http://example.org/')",
        "__import__('http.client').client.HTTPSConnection('192.0.2.1').request('GET', '/')",
    ],
)
def test_outside_is_refused(work):
    found = child(GUARD + f"answer = refused(lambda: {work})\nassert answer is True, answer\n")
    assert found.returncode == 0, found.stderr


def test_urllib_error_is_ours():
    """urllib wraps OSErrors only, so the refusal reaches the caller as itself."""
    found = child(GUARD + "import urllib.request\ntry:\n    urllib.request.urlopen('http://192.0.2.1/')\n"
                  "except InputError as error:\n    assert error.value == '192.0.2.1'\n")  # fmt: skip
    assert found.returncode == 0, found.stderr


def test_loopback_is_allowed():
    code = """
    server = socket.create_server(("127.0.0.1", 0))
    for host in ("127.0.0.1", "localhost"):
        socket.create_connection((host, server.getsockname()[1]), 2).close()
    socket.getaddrinfo(None, 80)
    socket.getaddrinfo("::1", 80)
    one, two = socket.socketpair()
    one.sendall(b"x")
    sender = socket.socket(type=socket.SOCK_DGRAM)
    sender.sendto(b"x", ("127.0.0.1", server.getsockname()[1]))
    assert offline.connections() == []
    """
    for environment in ({}, {"ATHANOR_OFFLINE": "1"}):
        found = child(GUARD + textwrap.dedent(code), **environment)
        assert found.returncode == 0, found.stderr


def test_a_named_host_is_allowed_and_kept_but_not_offline():
    code = """
    offline.allow("192.0.2.1")
    attempt = lambda: socket.create_connection(("192.0.2.1", 9), 0.05)
    answer = refused(attempt)
    """
    found = child(GUARD + textwrap.dedent(code) + "assert answer is not True\n"
                  "assert '192.0.2.1' in offline.connections()\n", ATHANOR_OFFLINE="")  # fmt: skip
    assert found.returncode == 0, found.stderr
    found = child(GUARD + textwrap.dedent(code) + "assert answer is True\nassert offline.connections() == []\n",
                  ATHANOR_OFFLINE="1")  # fmt: skip
    assert found.returncode == 0, found.stderr


def test_a_host_named_in_words_is_reached_at_its_addresses():
    """The guard sees the address alone. Looking a name up is allowed then, and no connection."""
    code = """
    offline.allow("198.51.100.7")
    socket.getaddrinfo("198.51.100.7", 80)
    assert offline.connections() == [], offline.connections()
    socket.getaddrinfo = lambda host, _: [(None, None, 0, "", ("192.0.2.1", 0))] if host == "papers.example" else []
    offline.allow("papers.example")
    answer = refused(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)))
    """
    found = child(GUARD + textwrap.dedent(code) + "assert answer is not True\n"
                  "assert offline.connections() == ['192.0.2.1']\n", ATHANOR_OFFLINE="")  # fmt: skip
    assert found.returncode == 0, found.stderr


def test_offline_looks_no_name_up():
    code = """
    socket.getaddrinfo = None
    offline.allow("papers.example")
    """
    found = child(GUARD + textwrap.dedent(code), ATHANOR_OFFLINE="1")
    assert found.returncode == 0, found.stderr


SIGNALS = """
import os, signal, sys, time
from athanor.core import signals
from athanor.core.errors import Interrupted
signals.install()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_outside_a_block_a_signal_raises(name):
    found = child(
        SIGNALS
        + f"""
try:
    os.kill(os.getpid(), signal.{name})
    time.sleep(5)
except Interrupted as error:
    assert error.value == "{name}" and error.exit_code == 130 and error.remedy
    sys.exit(7)
"""
    )
    assert found.returncode == 7, found.stderr


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_inside_a_block_it_sets_the_flag_and_the_second_raises(name):
    found = child(
        SIGNALS
        + f"""
with signals.deferred() as stop:
    assert not stop.is_set
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.01)
    assert stop.signal is signal.{name} and stop.is_set
    with signals.deferred() as inner:
        assert not inner.is_set
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    except Interrupted as error:
        assert error.value == "SIGTERM"
    else:
        sys.exit(3)
try:
    os.kill(os.getpid(), signal.{name})
    time.sleep(5)
except Interrupted:
    sys.exit(7)
"""
    )
    assert found.returncode == 7, found.stderr


def test_nohup_stays():
    found = child("import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SIGNALS
                  + "os.kill(os.getpid(), signal.SIGHUP)\ntime.sleep(0.01)\nsys.exit(7)\n")  # fmt: skip
    assert found.returncode == 7, found.stderr

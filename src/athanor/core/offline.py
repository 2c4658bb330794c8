"""The process-wide guard on outgoing connections.

Nothing leaves the house: a socket may connect to loopback and to the hosts a command named (`allow`), and to nothing
else. ATHANOR_OFFLINE=1 leaves loopback only. What was connected to is kept and goes into every run's manifest. The
guard is a Python audit hook (PEP 578), which cannot be removed once it is set, and sees every socket that Python code
opens; name look-ups count as leaving too.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

from athanor.core.errors import InputError

_allowed: set[str] = set()
_connected: list[str] = []
_on = False


def allow(host: str) -> None:
    """Permit connections to a host that this command names."""
    _allowed.add(host.lower())


def connections() -> list[str]:
    """Addresses outside loopback that were connected to, in order; normally none."""
    return list(_connected)


def guard() -> None:
    """Switch the guard on for this process; a second call changes nothing."""
    global _on
    if not _on:
        _on = True
        sys.addaudithook(_audit)


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        if isinstance(address, tuple):
            _check(str(address[0]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        _check(_text(args[0]))
    elif event == "socket.getnameinfo":
        _check(_text(args[0][0]))


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")


def _check(host: str) -> None:
    if is_loopback(host):
        return
    if host.lower() in _allowed and os.environ.get("ATHANOR_OFFLINE") != "1":
        _connected.append(host)
        return
    raise InputError(
        f"A connection to {host} was refused: nothing leaves this machine unless a command names the address.",
        value=host,
        limit=sorted(_allowed),
        remedy="Name the address in the command if it is wanted, and unset ATHANOR_OFFLINE.",
    )

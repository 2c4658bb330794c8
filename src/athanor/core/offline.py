"""The process-wide guard on outgoing connections.

Nothing leaves the house: a socket may connect to loopback and to the hosts a command named (`allow`), and to nothing
else. ATHANOR_OFFLINE=1 leaves loopback only. What was connected to is kept and goes into every run's manifest. The
guard is a Python audit hook (PEP 578), which cannot be removed once it is set, and sees every socket that Python code
opens; name look-ups are guarded too, though they connect to nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from typing import Any

from athanor.core.errors import InputError

_allowed: set[str] = set()
_connected: list[str] = []
_on = False


def allow(host: str) -> None:
    """Permit connections to a host that this command names, and to the addresses its name has now.

    A socket connects to an address and the guard sees no name there, so the name is looked up here.
    """
    _allowed.add(host.lower())
    if not is_offline():
        with contextlib.suppress(OSError, UnicodeError):  # whoever connects is told that there is no such host
            _allowed.update(str(found[4][0]).lower() for found in socket.getaddrinfo(host, None))


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
            _check(host := str(address[0]))
            if not is_loopback(host):
                _connected.append(host)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        _check(_text(args[0]))
    elif event == "socket.getnameinfo":
        _check(_text(args[0][0]))


def is_offline() -> bool:
    return os.environ.get("ATHANOR_OFFLINE") == "1"


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")


def _check(host: str) -> None:
    if is_loopback(host) or (host.lower() in _allowed and not is_offline()):
        return
    raise InputError(
        f"A connection to {host} was refused: nothing leaves this machine unless a command names the address.",
        value=host,
        limit=sorted(_allowed),
        remedy="Name the address in the command if it is wanted, and unset ATHANOR_OFFLINE.",
    )

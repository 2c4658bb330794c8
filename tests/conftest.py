"""Signals as a terminal's programs have them: `make test &` and nohup start programs with some of them ignored, and a
child that ignores what it is sent would never end."""

from __future__ import annotations

import signal

for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

"""`athanor VERB …`: finds the verb's file, runs it, and turns every error into CONTRACT's object, sentence and code.

A verb is a module in `verbs/` that offers `command`, a click command; the folder is the list.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click
from click.shell_completion import shell_complete

from athanor.core import signals
from athanor.core.errors import (
    AthanorError,
    Ending,
    Interrupted,
    ResourceError,
    UsageError,
    nearest,
    refused_by_system,
)
from athanor.core.progress import plain, silence, tell

VERBS = Path(__file__).parent / "verbs"
COMPLETE = "_ATHANOR_COMPLETE"
"""How a shell asks for completion: click's convention."""


class Verbs(click.Group):
    """A group whose commands are the modules of `verbs/`, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(path.stem for path in VERBS.glob("*.py") if path.stem != "__init__")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"athanor.cli.verbs.{cmd_name}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        # While a shell completes, an error would be printed into the line that is typed.
        if args and args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = nearest(args[0], known)
            raise UsageError(
                f"There is no verb {args[0]!r}.",
                value=args[0],
                limit=known,
                remedy=f"Did you mean `athanor {close}`?" if close else "`athanor --help` lists the verbs.",
            )
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="athanor", message="athanor %(version)s")
def cli() -> None:
    """Own folder to own generative AI, on your own machine, with a proof of every step.

    Begin with: athanor build ./my-folder --name mine --minutes 5
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with CONTRACT's code."""
    # OpenMP's threads spin while they wait by default; beside any other program on the machine that slows training
    # many times over, and sleeping costs nothing on a quiet one (LOG.md). Read once, when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _open_streams()
    words = sys.argv[1:] if args is None else args
    as_json = "--json" in words
    signals.install()
    try:
        from athanor.core import offline

        offline.guard()
        _run(list(words))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`athanor list | head -1`): nothing more to say, and nothing to flush at exit.
        silence(sys.stdout)
        sys.exit(0)
    except click.exceptions.NoArgsIsHelpError as error:  # nothing was asked: no mistake to speak of
        tell(f"{error.format_message()}\n", sys.stderr)
        sys.exit(UsageError.exit_code)
    except (Exception, Interrupted) as error:  # noqa: BLE001 - the last floor: every error gets its sentence and its code
        known = _as_known(error)
        if known is None:
            tell(traceback.format_exc(), sys.stderr)
            known = AthanorError(f"A bug in Athanor: {type(error).__name__}: {error}.", remedy="Please report it.")
        _fail(known, as_json)


def _run(words: list[str]) -> None:
    """Find the verb and run it. Click's own `main` ends with 1 where a reader has gone, which means a bug here."""
    if asked := os.environ.get(COMPLETE):
        sys.exit(shell_complete(cli, {}, "athanor", COMPLETE, asked))
    try:
        with cli.make_context("athanor", words) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as ending:  # --help and --version have been printed
        if ending.exit_code:
            sys.exit(ending.exit_code)


def _as_known(error: BaseException) -> Ending | None:
    if isinstance(error, Ending):
        return error
    if isinstance(error, click.ClickException):
        verb = getattr(error, "ctx", None)
        place = verb.command_path if verb else "athanor"
        return UsageError(error.format_message(), remedy=f"`{place} --help` shows the usage.")
    if isinstance(error, click.Abort):
        return signals.interrupted(signals.signal.SIGINT)
    if isinstance(error, OSError) and error.errno is not None:
        return refused_by_system(error)
    if isinstance(error, MemoryError):
        return _no_memory()
    return None


def _no_memory() -> ResourceError:
    from athanor.core import hardware

    used, limit = hardware.peak_memory_bytes(), hardware.memory_bytes()
    return ResourceError(
        f"There is not enough memory for this: {used / 2**30:.1f} of {limit / 2**30:.1f} GiB were used.",
        value=used,
        limit=limit,
        remedy="Close other programs or choose less.",
    )


def _open_streams() -> None:
    """Put /dev/null where a stream was closed (`athanor list >&-`): a file opened later must not take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _fail(error: Ending, as_json: bool) -> None:
    # Without an object too: what a full disk kept in the stream's buffer must not fail again.
    tell(json.dumps({"error": _jsonable(error.as_dict())}) + "\n" if as_json else "", sys.stdout)
    lines = f"error: {error}".split("\n")  # a usage has several
    tell("".join(f"{plain(line)}\n" for line in lines), sys.stderr)
    sys.exit(error.exit_code)


def _jsonable(value: Any) -> Any:
    """JSON knows neither paths nor NaN: strings for what it lacks."""
    return json.loads(json.dumps(value, default=str, allow_nan=True), parse_constant=str)

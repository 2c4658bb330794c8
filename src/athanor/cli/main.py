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

from athanor.core import signals
from athanor.core.errors import DISK_FULL, AthanorError, Ending, Interrupted, UsageError, disk_full, nearest

VERBS = Path(__file__).parent / "verbs"


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
        if args and args[0] not in known and not args[0].startswith("-"):
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
    words = sys.argv[1:] if args is None else args
    as_json = "--json" in words
    signals.install()
    try:
        from athanor.core import offline

        offline.guard()
        cli.main(args=words, prog_name="athanor", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`athanor list | head -1`): nothing more to say, and nothing to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except (Exception, Interrupted) as error:  # noqa: BLE001 - the last floor: every error gets its sentence and its code
        known = _as_known(error)
        if known is None:
            traceback.print_exc()
            known = AthanorError(f"A bug in Athanor: {type(error).__name__}: {error}.", remedy="Please report it.")
        _fail(known, as_json)


def _as_known(error: BaseException) -> Ending | None:
    if isinstance(error, Ending):
        return error
    if isinstance(error, click.ClickException):
        verb = getattr(error, "ctx", None)
        place = verb.command_path if verb else "athanor"
        return UsageError(error.format_message(), remedy=f"`{place} --help` shows the usage.")
    if isinstance(error, click.Abort):
        return signals.interrupted(signals.signal.SIGINT)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return disk_full(error)
    if isinstance(error, PermissionError):
        return _no_permission(error)
    if isinstance(error, MemoryError):
        from athanor.core.errors import ResourceError

        return ResourceError("There is not enough memory for this.", remedy="Close other programs or choose less.")
    return None


def _no_permission(error: PermissionError) -> AthanorError:
    """A refusal of the file system, as an error a person can act on."""
    from athanor.core.errors import InputError

    return InputError(
        f"No permission: {error.filename}.",
        value=str(error.filename),
        remedy="Change its permissions, or set ATHANOR_HOME to a folder you may write to.",
    )


def _fail(error: Ending, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": _plain(error.as_dict())}), flush=True)
    encoding = sys.stderr.encoding or "utf-8"
    print(f"error: {error}".encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr, flush=True)
    sys.exit(error.exit_code)


def _plain(value: Any) -> Any:
    """JSON knows neither paths nor NaN: strings for what it lacks."""
    return json.loads(json.dumps(value, default=str, allow_nan=True), parse_constant=str)

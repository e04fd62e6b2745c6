"""The ``hmn-lava`` command: its list of commands, and the one place where an error becomes a message and an exit code.

Exit codes: 0 done; 1 a check or comparison failed; 2 bad input or usage; 3 does not fit the hardware; 4 backend not
available; 5 a run was begun and could not be finished; 70 an internal error; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from hmn_lava.cli import (
    accuracy,
    board,
    check,
    compare,
    compile,
    doctor,
    export,
    init,
    inspect,
    language,
    mpsl,
    output,
    profile,
    profiles,
    rule,
    sweep,
    task,
)
from hmn_lava.cli import import_network as import_command
from hmn_lava.cli import meta as meta_command
from hmn_lava.cli import run as run_command
from hmn_lava.errors import HmnError

COMMANDS: dict[str, Callable[..., None]] = {
    "init": init.init,
    "check": check.check,
    "compile": compile.compile,
    "run": run_command.run,
    "accuracy": accuracy.accuracy,
    "compare": compare.compare,
    "profile": profile.profile,
    "meta": meta_command.meta,
    "import": import_command.import_network,
    "export": export.export,
    "inspect": inspect.inspect,
    "rule": rule.rule,
    "sweep": sweep.sweep,
    "doctor": doctor.doctor,
}
GROUPS = {
    "task": task.app,
    "language": language.app,
    "mpsl": mpsl.app,
    "board": board.app,
    "profiles": profiles.app,
}

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h: apart from the codes that say something about the user's network
INTERRUPTED = 130

app = typer.Typer(
    name="hmn-lava",
    help="Compile networks that learn by the HMN rule for Intel's Loihi, and see what the chip's integers will do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"hmn-lava {version('hmn-lava')}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are told on stderr and, with ``--json``, on stdout."""
    try:
        app(arguments, prog_name="hmn-lava")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except HmnError as error:
        output.error(error, error.exit_code, as_json="--json" in arguments)
        return error.exit_code
    except (OSError, MemoryError) as error:
        output.error(error, 2, as_json="--json" in arguments)
        return 2
    except Exception as error:
        if os.environ.get("HMN_LAVA_DEBUG") == "1":
            raise
        output.error(error, INTERNAL_ERROR, as_json="--json" in arguments, internal=True)
        return INTERNAL_ERROR
    return 0

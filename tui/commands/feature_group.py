"""How `features` commands end: a word about what the machine refused, an interrupt as such, and data that arrived."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from reference_platform.errors import ConfigError

if TYPE_CHECKING:
    from typer._click.core import Context

FIXES = {
    errno.ENOSPC: "make room, then run the same command again",
    errno.EDQUOT: "make room, then run the same command again",
    errno.EACCES: "grant access, or choose another place",
    errno.EPERM: "grant access, or choose another place",
    errno.EROFS: "choose a place that can be written",
    errno.EMFILE: "close other programs, or raise the limit: ulimit -n 4096",
}


class FeatureCommands(TyperGroup):
    """Runs one command. An error of the operating system is the machine's, never a bug: it becomes a ConfigError."""

    def invoke(self, ctx: Context) -> Any:
        """What the command returns. Raises PagerDrillError, typer.Abort when interrupted."""
        _print_every_name()
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read has read enough.
            _let_go_of_output()
            return None
        except KeyboardInterrupt:
            raise typer.Abort from None
        except OSError as error:
            _let_go_of_output()
            raise machine_error(error) from error
        except MemoryError as error:
            raise ConfigError(
                "there is not enough memory", why=str(error)[:200], fix="close other programs, or ask for fewer rows"
            ) from error
        return done


def machine_error(error: OSError) -> ConfigError:
    """What the operating system refused, where, and what to do about it."""
    place = error.filename2 or error.filename
    text = error.strerror or str(error) or type(error).__name__
    fix = FIXES.get(error.errno or 0, "check the path and what holds it, then run the same command again")
    return ConfigError(text.splitlines()[0][:200], where="" if place is None else str(place), fix=fix)


def _print_every_name() -> None:
    """Names may have any letter; where the terminal lacks it, it is spelt out."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _let_go_of_output() -> None:
    """What stdout did not take, such as a full disk behind it, must not be tried again when the process ends."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

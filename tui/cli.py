"""`pagerdrill`: the commands and the promise about what comes back.

stdout is data, stderr is narration. Exit codes: 0 good, 1 the run fell short, 2 usage or content error, 3 our bug
(a report is saved), 130 interrupted. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reference_platform.errors import InternalError, PagerDrillError
from tui.commands import authoring, content, features, headless, home, machine, practice, prove, regress
from tui.narration import put, say

EXIT_GOOD = 0
EXIT_CONTENT = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="pagerdrill",
    help="On-call practice for people who run machine learning platforms.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("practice")(practice.practice)
app.command("resume")(practice.resume)
app.command("play")(headless.play)
app.command("replay")(headless.replay)
app.command("score")(headless.score)
app.command("regress")(regress.regress)
content.scenarios_app.command("faults")(authoring.faults)
content.scenarios_app.command("new")(authoring.new)
content.scenarios_app.command("prove")(prove.prove)
app.add_typer(home.runs_app, name="runs")
app.add_typer(content.scenarios_app, name="scenarios")
app.add_typer(content.rubrics_app, name="rubrics")
app.add_typer(machine.platform_app, name="platform")
app.add_typer(features.features_app, name="features")
app.command("doctor")(machine.doctor)
app.command("bench")(machine.bench)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        put(f"pagerdrill {version('pagerdrill')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        home.home()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; prints messages, never a traceback."""
    try:
        code = app(
            prog_name="pagerdrill", args=list(arguments) if arguments is not None else None, standalone_mode=False
        )
        return code if isinstance(code, int) else EXIT_GOOD
    except TyperException as error:
        return _usage_error(error)
    except InternalError as error:
        return _our_bug(error)
    except PagerDrillError as error:
        say(f"error: {error}")
        return EXIT_CONTENT
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_GOOD
    except Exception as error:  # noqa: BLE001  the last line of defence: a report instead of a traceback
        return _our_bug(error)


def _usage_error(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    say(f"error: {error.format_message()}")
    say(f"  see: {context.command_path if context else 'pagerdrill'} --help")
    return EXIT_CONTENT


def _our_bug(error: Exception) -> int:
    from tui.crash import save_report

    say(f"error: this is a bug of pagerdrill: {error}")
    say(save_report(error))
    return EXIT_BUG

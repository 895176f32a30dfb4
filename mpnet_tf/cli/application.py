"""What every binary shares: quiet start-up, `--json`, one-line errors and exit codes."""

import json
import os
import sys

# TensorFlow reads these when it is first imported. Binaries import it, and whatever needs it,
# inside `main`, so that `--help` and a mistyped flag answer at once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from absl import app, flags, logging

from mpnet_tf.quiet_start import silenced_stderr
from mpnet_tf.training.preemption import PreemptionError

DONE = 0
FAILED = 1
WRONG_USAGE = 2
# The status by which a program asks to be started again (EX_TEMPFAIL of sysexits.h).
PREEMPTED = 75

_JSON = flags.DEFINE_bool(
    "json", False, "Print the result's figures and paths as one JSON object, last on stdout."
)


# A recipe that cannot be read or has a mistake, or an override that does not fit it, fails while
# flags are parsed, each with an error of its own.
_FLAG_ERRORS = (
    flags.Error,
    AttributeError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)


class UsageError(ValueError):
    """The command line asks for something that cannot be: exit status 2."""


def run(main, *, takes_arguments=False):
    """Runs a binary's `main` as an absl program, from a console script or `python -m`.

    Args:
        main: callable `(argv) -> dict`. The result's figures and paths; every value must be
            serialisable as JSON. It raises `ValueError` or `OSError` with a one-line message
            where the user's input is at fault.
        takes_arguments: bool. Whether words that are no options go to `main`; they are refused
            otherwise, since most often they are options without their dashes.

    Returns:
        Never: exits with status 0 (done), 1 (failed, reason on stderr), 2 (wrong usage) or 75 (told
        to stop before the end; started again, it goes on).
    """
    _name_flags_for_help(main)
    app.run(
        lambda argv: sys.exit(_exit_status(main, argv, takes_arguments=takes_arguments)),
        flags_parser=_parse_flags,
    )


def _name_flags_for_help(main):
    """Has `--help` tell the binary's own docstring and flags, from a console script too.

    absl looks for both in the main module, which in a console script is the script.
    """
    module = sys.modules[main.__module__]
    sys.modules["__main__"].__doc__ = module.__doc__
    for name in (module.__name__, __name__):
        for flag in flags.FLAGS.get_key_flags_for_module(name):
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _parse_flags(argv):
    try:
        return flags.FLAGS(argv)
    except _FLAG_ERRORS as error:
        _print_error(error)
        sys.exit(WRONG_USAGE)
    except SystemExit:
        # absl leaves with status 1 after `--help`, which is no failure.
        sys.exit(DONE)


def _exit_status(main, argv, *, takes_arguments):
    logging.use_absl_handler()
    logging.set_verbosity(logging.WARNING)
    if len(argv) > 1 and not takes_arguments:
        _print_error(f"unexpected argument {argv[1]!r}; options are given as --name=value")
        return WRONG_USAGE
    with silenced_stderr():
        import keras_hub  # noqa: F401
        import tensorflow_text  # noqa: F401
    try:
        result = main(argv)
    except UsageError as error:
        _print_error(error)
        return WRONG_USAGE
    except BrokenPipeError:
        # Who read the output, such as `head`, has seen enough; nor is there a stdout to flush. It
        # is no success: what was still to be done was not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ValueError, OSError) as error:
        _print_error(error)
        return FAILED
    except PreemptionError as error:
        _print_error(error)
        return PREEMPTED
    except KeyboardInterrupt:
        _print_error("interrupted")
        return FAILED
    if _JSON.value:
        print(json.dumps(result, sort_keys=True), flush=True)
    return DONE


def _print_error(error):
    if isinstance(error, AttributeError) and error.args and isinstance(error.args[0], KeyError):
        # A recipe's answer to a name that it does not know.
        error = error.args[0]
    message = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        # As the system says it, without the number.
        message = f"{error.strerror}: {error.filename}"
    elif isinstance(error, KeyError) and error.args:
        # Written out, it would be in quotes, with quotes and line ends of its own as escapes.
        message = str(error.args[0])
    message = " ".join(message.split())
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr, flush=True)

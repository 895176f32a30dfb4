"""Runs a binary many times from one process that has loaded TensorFlow already.

A start from nothing would take several seconds each.
"""

import json
import os
import subprocess
import sys

from tests.conftest import REPOSITORY

_DRIVER = """
import json, os, runpy, sys, traceback
import keras_hub, tensorflow_text

module, program, cases = json.load(sys.stdin)
answers = {}
for name, arguments in cases.items():
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.argv = [program, *arguments]
        status = 99
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as exit:
            status = exit.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as output:
        text = output.read()
    answers[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text
print(json.dumps(answers))
"""


def run_cases(module, program, cases):
    """Runs a binary once for each case, in processes of their own.

    Args:
        module: str. The binary's module.
        program: str. Its name as a console script.
        cases: dict from names to lists of arguments.

    Returns:
        dict from names to exit status and output, both streams together.
    """
    driver = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input=json.dumps([module, program, cases]),
        cwd=REPOSITORY,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert driver.returncode == 0, driver.stderr
    return json.loads(driver.stdout.splitlines()[-1])

"""What `mpnet-show` is to draw: an objective's name with settings, as the command line gives it."""

import ast
import difflib

from mpnet_tf.objectives import OBJECTIVES

# Sentences are short: at the usual 15% most would have a single predicted token.
PREDICTION_RATE = 0.3

# Places in a row, which a picture leaves out where they are empty.
_NO_SETTING_OF_A_PICTURE = "num_predictions"


def parse_panel(text):
    """Reads an objective's name and settings.

    Args:
        text: str, such as "mpnet" or "mlm,granularity=token,prediction_rate=0.4".

    Returns:
        The name and a dict of settings. Where the text does not set them, more tokens are
        predicted than usual, and masks stand for all of them.

    Raises:
        ValueError: if the objective or a setting is unknown, a mixture, or of another type.
    """
    name, *assignments = (part.strip() for part in text.split(","))
    if ":" in text:
        raise ValueError(
            f"--objective={text} is a mixture, of which each row gets one objective. "
            "Show its parts, each with an --objective of its own."
        )
    if name not in OBJECTIVES:
        raise ValueError(
            f"--objective={text}: there is no objective {name!r}; {_nearest(name, OBJECTIVES)}"
        )
    defaults = {
        setting: default
        for setting, default in OBJECTIVES[name][1].items()
        if setting != _NO_SETTING_OF_A_PICTURE
    }
    settings = {}
    for assignment in assignments:
        setting, equals, value = (piece.strip() for piece in assignment.partition("="))
        if setting not in defaults:
            raise ValueError(
                f"--objective={text}: {name} has no setting {setting!r}; "
                f"{_nearest(setting, defaults)}"
            )
        if not equals:
            raise ValueError(f"--objective={text}: give {setting} a value, as {setting}=...")
        settings[setting] = _parse_value(value, defaults[setting], f"--objective={text}: {setting}")
    return name, {**_clear_settings(defaults, settings), **settings}


def _clear_settings(defaults, settings):
    """Chooses what makes a clear picture, of the settings that the objective has."""
    clear = {
        "prediction_rate": PREDICTION_RATE,
        "mask_rate": 1.0 - settings.get("random_rate", 0.0),
        "random_rate": 0.0,
    }
    return {setting: value for setting, value in clear.items() if setting in defaults}


def _parse_value(text, default, name):
    """Reads a value of the type that the setting's default has; None stands for an int."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    expected = int if default is None else type(default)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise ValueError(f"{name} must be of type {expected.__name__}. Received: {text!r}")
    return value


def _nearest(name, known):
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return f"the nearest is {nearest!r} among {', '.join(known)}"

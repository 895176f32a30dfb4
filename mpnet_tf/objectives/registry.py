"""Objectives by name, alone or mixed: what a config's one line chooses among."""

import difflib
import functools
import inspect

from mpnet_tf.objectives.blank_infilling import BlankInfilling
from mpnet_tf.objectives.causal import Causal
from mpnet_tf.objectives.masked import Masked
from mpnet_tf.objectives.masked_permuted import MaskedPermuted
from mpnet_tf.objectives.mixture import Mixture
from mpnet_tf.objectives.permuted import Permuted
from mpnet_tf.objectives.token_prediction import TokenPrediction


def mpnet(
    roles,
    sequence_length,
    *,
    position_compensation=True,
    permutation=True,
    output_dependency=True,
    mlm_loss_weight=0.0,
    **settings,
):
    """Makes MPNet's objective, or what an ablation of its paper leaves of it.

    Args:
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row.
        position_compensation: bool. False removes the masks that hold the places of the tokens
            still to come, which leaves `Permuted`.
        permutation: bool. False has the tokens predicted in the order of the text.
        output_dependency: bool. False has them predicted independently of one another, which
            leaves `Masked`.
        mlm_loss_weight: float from 0, as of `MaskedPermuted`.
        **settings: those of `TokenPrediction`.

    Returns:
        `MaskedPermuted`, `Permuted` or `Masked`.

    Raises:
        ValueError: if a setting is out of its range, or two do not go together.

    References:
        MPNet (https://arxiv.org/abs/2004.09297), section 4.4 and table 5.
    """
    if not position_compensation and not output_dependency:
        raise ValueError(
            "`position_compensation` and `output_dependency` cannot both be removed: without "
            "output dependency MPNet is MLM, whose masks hold all positions. "
            "Received: position_compensation=False, output_dependency=False"
        )
    if mlm_loss_weight and not (position_compensation and output_dependency):
        raise ValueError(
            "`mlm_loss_weight` needs the masks beside the query slots, thus both "
            "`position_compensation` and `output_dependency`. "
            f"Received: mlm_loss_weight={mlm_loss_weight}, "
            f"position_compensation={position_compensation}, "
            f"output_dependency={output_dependency}"
        )
    if not output_dependency:
        return Masked(roles, sequence_length, **settings)
    if not position_compensation:
        return Permuted(roles, sequence_length, permutation=permutation, **settings)
    return MaskedPermuted(
        roles,
        sequence_length,
        permutation=permutation,
        mlm_loss_weight=mlm_loss_weight,
        **settings,
    )


def _settings(*makers):
    """Lists the keyword-only parameters of callables, with their defaults."""
    return {
        name: parameter.default
        for maker in makers
        for name, parameter in inspect.signature(maker).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != "level"
    }


# What makes each objective, and its settings with their defaults.
OBJECTIVES = {
    "mlm": (Masked, _settings(TokenPrediction)),
    "plm": (Permuted, _settings(TokenPrediction, Permuted)),
    "mpnet": (mpnet, _settings(TokenPrediction, mpnet)),
    "clm": (Causal, _settings(Causal)),
    **{
        name: (functools.partial(BlankInfilling, level=level), _settings(BlankInfilling))
        for name, level in (
            ("glm", "span"),
            ("glm_document", "document"),
            ("glm_sentence", "sentence"),
        )
    },
}


def parse_mixture(specification):
    """Reads the name of an objective, or the names of several with their weights.

    Args:
        specification: str, such as "mpnet" or "mpnet:0.5,glm_document:0.25,mlm:0.25".

    Returns:
        dict from names to weights.

    Raises:
        ValueError: if a name is unknown or repeated, or a weight is missing or no number.
    """
    weights = {}
    parts = [part.strip() for part in specification.split(",")]
    for part in parts:
        name, colon, weight = (piece.strip() for piece in part.partition(":"))
        if name not in OBJECTIVES:
            nearest = difflib.get_close_matches(name, OBJECTIVES, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"Unknown objective {name!r}; the nearest known one is {nearest!r} among "
                f"{', '.join(OBJECTIVES)}"
            )
        if name in weights:
            raise ValueError(f"Objective {name!r} is named twice. Received: {specification!r}")
        if not colon and len(parts) > 1:
            raise ValueError(
                "Several objectives need a weight each, such as 'mpnet:0.5,mlm:0.5'. "
                f"Received: {specification!r}"
            )
        try:
            weights[name] = float(weight) if colon else 1.0
        except ValueError:
            raise ValueError(
                f"The weight of objective {name!r} must be a number. Received: {weight!r}"
            ) from None
    return weights


def make_objective(specification, roles, sequence_length, **settings):
    """Makes an objective or a mixture of them by name.

    Args:
        specification: str, as `parse_mixture` reads it.
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row.
        **settings: for whichever of the objectives have them.

    Returns:
        The objective, or `Mixture`.

    Raises:
        ValueError: if the specification cannot be read, a setting is out of its range, or one is
            changed that none of the named objectives has.
    """
    weights = parse_mixture(specification)
    for setting, value in settings.items():
        having = {name: known for name, (_, known) in OBJECTIVES.items() if setting in known}
        if not having:
            raise ValueError(f"Unknown setting `{setting}` of objectives")
        default = next(iter(having.values()))[setting]
        if value != default and not having.keys() & weights.keys():
            raise ValueError(
                f"`{setting}` is no setting of objective {specification!r} but of "
                f"{', '.join(having)}. Leave it at {default!r}. Received: {setting}={value!r}"
            )
    objectives = []
    for name in weights:
        maker, known = OBJECTIVES[name]
        own = {setting: value for setting, value in settings.items() if setting in known}
        objectives.append(maker(roles, sequence_length, **own))
    if len(objectives) == 1 and set(weights.values()) == {1.0}:
        return objectives[0]
    return Mixture(objectives, list(weights.values()))

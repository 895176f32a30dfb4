"""Objectives by name: one line of a config, ablations, mixtures, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives import Mixture, make_objective
from mpnet_tf.objectives.registry import OBJECTIVES, parse_mixture
from mpnet_tf.training.config import ObjectiveConfig
from tests.rows import pack_rows, random_documents, token_roles

ROLES = token_roles()


def batch(specification, **settings):
    generator = np.random.default_rng(1)
    rows = pack_rows([random_documents(generator, 64, roles=ROLES) for _ in range(4)], 64)
    slots, target_ids, weights = make_objective(specification, ROLES, 64, **settings)(
        rows, tf.constant([2, 3])
    )
    return {**slots, "target_ids": target_ids, "target_weights": weights}


@pytest.mark.parametrize(
    ("ablation", "same"),
    [
        ({"position_compensation": False}, ("plm", {})),
        ({"output_dependency": False}, ("mlm", {})),
        ({"output_dependency": False, "permutation": False}, ("mlm", {})),
        (
            {"position_compensation": False, "permutation": False},
            ("plm", {"permutation": False}),
        ),
    ],
)
def test_mpnet_without_a_part_is_what_the_paper_says(ablation, same):
    """Table 5: without position compensation it is PLM, without output dependency MLM."""
    name, settings = same
    left, expected = batch("mpnet", **ablation), batch(name, **settings)
    assert left.keys() == expected.keys()
    for feature, value in expected.items():
        np.testing.assert_array_equal(left[feature], value)


def test_mpnet_without_permutation_predicts_in_the_order_of_the_text():
    made = batch("mpnet", permutation=False)
    real = made["target_weights"].numpy() > 0
    for row in range(4):
        queries = made["prediction_slots"].numpy()[row][real[row]]
        places = [
            (int(made["segment_ids"][row, query]), int(made["position_ids"][row, query]))
            for query in queries
        ]
        assert places == sorted(places)
    assert (made["target_ids"].numpy() != batch("mpnet")["target_ids"].numpy()).any()


def test_the_joint_loss_asks_the_masks_too():
    made = batch("mpnet", mlm_loss_weight=0.25)
    alone = batch("mpnet")
    # Rows of 64: 64 tokens, 9 masks, 9 query slots.
    np.testing.assert_array_equal(made["prediction_slots"][:, :9], alone["prediction_slots"])
    np.testing.assert_array_equal(made["prediction_slots"][0, 9:], np.arange(64, 73))
    np.testing.assert_array_equal(made["target_ids"][:, 9:], alone["target_ids"])
    np.testing.assert_array_equal(
        made["target_weights"][:, 9:], 0.25 * alone["target_weights"].numpy()
    )
    for half in ("position_ids", "segment_ids"):
        np.testing.assert_array_equal(made[half][:, 64:73], made[half][:, 73:])


def test_configs_and_objectives_agree_on_settings_and_defaults():
    known = {}
    for _, settings in OBJECTIVES.values():
        for name, default in settings.items():
            assert known.setdefault(name, default) == default, name
    assert ObjectiveConfig().settings() == known


def test_several_names_with_weights_are_a_mixture():
    objective = make_objective("mpnet: 0.5, clm: 0.25, mlm: 0.25", ROLES, 64, granularity="token")
    assert isinstance(objective, Mixture)
    assert objective.names == ("mpnet", "clm", "mlm") and objective.weights == [0.5, 0.25, 0.25]
    assert objective.objectives[0].granularity == objective.objectives[2].granularity == "token"


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("mpnett", "Unknown objective 'mpnett'; the nearest known one is 'mpnet' among mlm, plm"),
        ("", "Unknown objective ''"),
        ("mpnet,mlm", r"need a weight each, such as .* Received: 'mpnet,mlm'"),
        ("mpnet:half,mlm:0.5", "weight of objective 'mpnet' must be a number. Received: 'half'"),
        ("mlm:0.5,mlm:0.5", "Objective 'mlm' is named twice"),
    ],
)
def test_what_cannot_be_read_is_refused(specification, message):
    with pytest.raises(ValueError, match=message):
        parse_mixture(specification)


@pytest.mark.parametrize(
    ("specification", "settings", "message"),
    [
        ("mpnet:0.5,mlm:0.4", {}, r"sum to 1. Received: weights=\[0.5, 0.4\]"),
        ("mpnet:0.5", {}, "sum to 1"),
        ("mlm", {"permutation": False}, "`permutation` is no setting of objective 'mlm' but of"),
        ("clm", {"prediction_rate": 0.3}, "`prediction_rate` is no setting of objective 'clm'"),
        ("mlm", {"mean_span_length": 5.0}, "`mean_span_length` is no setting of objective 'mlm'"),
        ("mlm", {"colour": 5}, "Unknown setting `colour`"),
        (
            "mpnet",
            {"position_compensation": False, "output_dependency": False},
            "cannot both be removed",
        ),
        ("mpnet", {"output_dependency": False, "mlm_loss_weight": 1.0}, "needs the masks beside"),
        ("mpnet", {"mlm_loss_weight": -1.0}, "`mlm_loss_weight` must not be negative"),
        ("plm", {"prediction_rate": 1.5}, "`prediction_rate` must lie between 0 and 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(specification, settings, message):
    with pytest.raises(ValueError, match=message):
        make_objective(specification, None, 64, **settings)

"""Configs: what does not fit is refused by name, and JSON holds all of them."""

import dataclasses
import json
import runpy

import ml_collections
import pytest

from mpnet_tf.training.config import (
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    PretrainingConfig,
    TrainingConfig,
    default_recipe,
    differing_keys,
)
from tests.conftest import REPOSITORY

# Those of corpora are tested with what reads them.
RECIPES = sorted(
    path for path in (REPOSITORY / "configs").glob("*.py") if not path.name.startswith("corpus_")
)


def changed(**sections):
    """The default config as nested dicts, with some settings changed."""
    values = PretrainingConfig().to_dict()
    for name, settings in sections.items():
        values[name].update(settings)
    return values


def test_json_round_trip_keeps_every_setting():
    config = PretrainingConfig.from_dict(
        changed(
            model={"hidden_dim": 96, "num_heads": 6, "dropout": 0.25, "dtype": "mixed_bfloat16"},
            data={"lowercase": False, "heldout_share": 0.125},
            objective={"max_gram": 3, "granularity": "token"},
            optimizer={
                "epsilon": 1e-7,
                "learning_rate": 3.3e-4,
                "warmup_steps": 7,
                "name": "lamb",
                "schedule": "warmup_stable_decay",
                "decay_steps": 9,
                "final_learning_rate": 1e-5,
                "no_weight_decay": ["norm", "embedding"],
            },
            training={"steps": 70, "evaluate_every": 35, "seed": 2**31 - 1},
        )
    )
    text = json.dumps(config.to_dict())
    assert PretrainingConfig.from_dict(json.loads(text)) == config
    assert config.model.dropout == 0.25 and config.optimizer.epsilon == 1e-7
    assert config.optimizer.no_weight_decay == ("norm", "embedding")
    assert differing_keys(PretrainingConfig.from_dict(json.loads(text)), config) == []


def test_sections_left_out_take_their_defaults():
    config = PretrainingConfig.from_dict({"training": {"seed": 4}})
    assert config == PretrainingConfig(training=TrainingConfig(seed=4))


def test_defaults_are_those_of_the_paper():
    """Section 3.1 and appendix A of arXiv 2004.09297, MPNet base."""
    config = PretrainingConfig()
    assert (config.model.num_layers, config.model.hidden_dim, config.model.num_heads) == (
        *(12, 768, 12),
    )
    assert (config.training.batch_size, config.training.steps) == (8192, 500_000)
    assert config.data.sequence_length == 512
    optimizer = config.optimizer
    assert (optimizer.learning_rate, optimizer.warmup_steps) == (6e-4, 24_000)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.9, 0.98, 1e-6)
    assert (optimizer.name, optimizer.schedule) == ("adamw", "linear")
    assert optimizer.weight_decay == 0.01 and optimizer.no_weight_decay == ("bias", "norm")
    objective = config.objective
    assert (objective.prediction_rate, objective.mask_rate, objective.random_rate) == (
        *(0.15, 0.8, 0.1),
    )


@pytest.mark.parametrize(
    ("values", "unknown", "nearest"),
    [
        ({"training": {"stepz": 3}}, "training.stepz", "training.steps"),
        ({"model": {"hiden_dim": 3}}, "model.hiden_dim", "model.hidden_dim"),
        ({"optimizer": {"warmup": 3}}, "optimizer.warmup", "optimizer.warmup_steps"),
        ({"trainnig": {"steps": 3}}, "trainnig", "training"),
        ({"objective": {"x": 3}}, "objective.x", "objective."),
    ],
)
def test_unknown_keys_name_the_nearest(values, unknown, nearest):
    with pytest.raises(ValueError, match=rf"setting '{unknown}'; the nearest known .*'{nearest}"):
        PretrainingConfig.from_dict(values)


@pytest.mark.parametrize("section", [3, "steps", [1, 2]])
def test_sections_that_are_no_dict_are_refused(section):
    with pytest.raises(ValueError, match=r"Section `training` must be a dict. Received: training="):
        PretrainingConfig.from_dict({"training": section})


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        (ModelConfig, {"num_layers": 0}, r"`num_layers` must be positive. .*num_layers=0"),
        (ModelConfig, {"num_heads": 5}, r"`num_heads` must divide .*=5, hidden_dim=768"),
        (ModelConfig, {"num_heads": 0}, r"num_heads=0, hidden_dim=768"),
        (ModelConfig, {"dropout": 1.0}, r"`dropout` must be in \[0, 1\).*dropout=1.0"),
        (ModelConfig, {"attention_dropout": -0.1}, r"`attention_dropout` must .*=-0.1"),
        (DataConfig, {"heldout_share": 0.0}, r"`heldout_share` must lie .*heldout_share=0.0"),
        (DataConfig, {"heldout_share": 1.0}, r"heldout_share=1.0"),
        (OptimizerConfig, {"learning_rate": 0.0}, r"`learning_rate` must be pos.*rate=0.0"),
        (OptimizerConfig, {"warmup_steps": -1}, r"`warmup_steps` must not be neg.*steps=-1"),
        (OptimizerConfig, {"name": "adam"}, r"`name` must be one of adamw, lamb, .*name='adam'"),
        (OptimizerConfig, {"schedule": "x"}, r"`schedule` must be one of linear, .*schedule='x'"),
        (OptimizerConfig, {"epsilon": 0.0}, r"`epsilon` must be positive. .*epsilon=0.0"),
        (OptimizerConfig, {"beta_1": 1.0}, r"`beta_1` must be in \[0, 1\). .*beta_1=1.0"),
        (OptimizerConfig, {"beta_2": -0.1}, r"`beta_2` must be in \[0, 1\). .*beta_2=-0.1"),
        (OptimizerConfig, {"weight_decay": -0.1}, r"`weight_decay` must not be neg.*=-0.1"),
        (OptimizerConfig, {"global_clipnorm": -1.0}, r"`global_clipnorm` must not be neg.*=-1.0"),
        (
            OptimizerConfig,
            {"final_learning_rate": 1e-3},
            r"`final_learning_rate` must be from 0 to .*rate=0.001, learning_rate=0.0006",
        ),
        (OptimizerConfig, {"final_learning_rate": -1e-5}, r"final_learning_rate=-1e-05"),
        (
            OptimizerConfig,
            {"schedule": "polynomial", "schedule_power": 0.0},
            r"`schedule_power` must be positive. Received: schedule_power=0.0",
        ),
        (
            OptimizerConfig,
            {"schedule": "warmup_stable_decay"},
            r"`decay_steps` must be positive with .*'warmup_stable_decay'. .*decay_steps=0",
        ),
        (
            OptimizerConfig,
            {"schedule": "cosine", "decay_steps": 9},
            r"`decay_steps` is no setting of the schedule 'cosine' but of warmup_stable_decay. "
            r"Leave it at 0. Received: decay_steps=9",
        ),
        (
            OptimizerConfig,
            {"schedule_power": 2.0},
            r"`schedule_power` is no setting of the schedule 'linear' but of polynomial. .*=2.0",
        ),
        (
            OptimizerConfig,
            {"schedule": "constant", "final_learning_rate": 1e-5},
            r"`final_learning_rate` is no setting of the schedule 'constant' but of linear, poly",
        ),
        (
            OptimizerConfig,
            {"name": "adafactor", "beta_1": 0.8},
            r"`beta_1` is no setting of the optimizer 'adafactor' but of adamw, .*beta_1=0.8",
        ),
        (
            OptimizerConfig,
            {"name": "schedule_free_adamw"},
            r"`schedule` must be 'constant' with .*'schedule_free_adamw'.*schedule='linear'",
        ),
        (
            OptimizerConfig,
            {"name": "schedule_free_adamw", "schedule": "constant", "beta_1": 0.0},
            r"`beta_1`, the weight of the average, must be positive .*beta_1=0.0",
        ),
        (
            OptimizerConfig,
            {"no_weight_decay": ("bias", "gamma")},
            r"`no_weight_decay` must be .* among kernel, embedding, bias, norm. .*'gamma'",
        ),
        (OptimizerConfig, {"no_weight_decay": "bias"}, r"`no_weight_decay` must be .*='bias'"),
        (TrainingConfig, {"steps": 0}, r"`steps` must be positive. Received: steps=0"),
        (TrainingConfig, {"batch_size": 0}, r"`batch_size` must be positive.*batch_size=0"),
        (TrainingConfig, {"evaluate_every": 0}, r"`evaluate_every` must be positive"),
        (TrainingConfig, {"evaluation_batches": 0}, r"`evaluation_batches` must be positive"),
        (TrainingConfig, {"checkpoints_to_keep": 0}, r"`checkpoints_to_keep` must be positive"),
        (TrainingConfig, {"seed": -1}, r"`seed` must be in \[0, 2\*\*31\).*seed=-1"),
        (TrainingConfig, {"seed": 2**31}, r"`seed` must be in .*seed=2147483648"),
        (
            TrainingConfig,
            {"steps": 50, "evaluate_every": 20},
            r"`evaluate_every` must divide `steps`. Received: evaluate_every=20, steps=50",
        ),
    ],
)
def test_settings_out_of_range_are_refused(section, settings, message):
    with pytest.raises(ValueError, match=message):
        section(**settings)


def test_rows_longer_than_the_position_table_are_refused():
    message = r"position table. Received: sequence_length=513, max_sequence_length=512"
    with pytest.raises(ValueError, match=message):
        PretrainingConfig(data=DataConfig(sequence_length=513))
    assert PretrainingConfig(data=DataConfig(sequence_length=512)).data.sequence_length == 512


def test_a_warm_up_of_the_whole_run_is_refused():
    message = r"`optimizer.warmup_steps` must be less .* warmup_steps=24000, steps=24000"
    with pytest.raises(ValueError, match=message):
        PretrainingConfig(training=TrainingConfig(steps=24000, evaluate_every=1000))


@pytest.mark.parametrize("name", ["adamw", "lamb", "adafactor", "muon"])
@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_optimizers_go_with_every_schedule(name, schedule):
    config = OptimizerConfig(name=name, schedule=schedule, no_weight_decay=())
    assert (config.name, config.schedule, config.no_weight_decay) == (name, schedule, ())


def test_schedule_free_goes_with_a_constant_rate():
    assert OptimizerConfig(name="schedule_free_adamw", schedule="constant").decay_steps == 0


def test_configs_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PretrainingConfig().training.steps = 3


def test_differing_keys_are_named():
    first = PretrainingConfig()
    second = PretrainingConfig.from_dict(
        changed(model={"dropout": 0.2}, training={"seed": 1, "batch_size": 16})
    )
    keys = ["model.dropout", "training.batch_size", "training.seed"]
    assert sorted(differing_keys(first, second)) == keys
    assert sorted(differing_keys(second, first)) == keys
    assert differing_keys(first, PretrainingConfig.from_dict(changed())) == []


def test_recipes_reject_unknown_fields_and_other_types():
    recipe = default_recipe()
    with pytest.raises(TypeError):
        recipe.training.steps = "many"
    recipe.lock()
    with pytest.raises((AttributeError, KeyError), match="steps"):
        recipe.training.stepz = 3


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_make_configs(path):
    recipe = runpy.run_path(str(path))["get_config"]()
    assert isinstance(recipe, ml_collections.ConfigDict)
    config = PretrainingConfig.from_dict(recipe.to_dict())
    assert config.to_dict() == recipe.to_dict()
    assert config.optimizer.warmup_steps < config.training.steps


def test_there_are_recipes():
    assert "mpnet_demo" in [path.stem for path in RECIPES]

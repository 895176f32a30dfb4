"""The settings of how the weights are updated."""

import dataclasses

from mpnet_tf.training.setting_rules import require

PARAMETER_ROLES = ("kernel", "embedding", "bias", "norm")

# The settings that only some of the choices of a field have.
_ADAM_SETTINGS = ("beta_1", "beta_2", "epsilon")
_OPTIMIZERS = {
    "adamw": (*_ADAM_SETTINGS, "relative_bias_rate"),
    "lamb": _ADAM_SETTINGS,
    "adafactor": (),
    "muon": _ADAM_SETTINGS,
    "schedule_free_adamw": _ADAM_SETTINGS,
}
_SCHEDULES = {
    "linear": ("final_learning_rate",),
    "polynomial": ("final_learning_rate", "schedule_power"),
    "cosine": ("final_learning_rate",),
    "warmup_stable_decay": ("final_learning_rate", "decay_steps"),
    "constant": (),
}


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """How the weights move; the defaults are those of MPNet's paper, section 3.1.

    Args:
        name: str. "adamw", "lamb", "adafactor", "muon" (the kernels of the transformer layers by
            Muon, all else by AdamW) or "schedule_free_adamw".
        schedule: str. What the learning rate does after the warm-up: "linear", "polynomial" or
            "cosine" (a fall over the rest of the run), "warmup_stable_decay" (a linear fall over
            the last `decay_steps`) or "constant", as "schedule_free_adamw" wants it.
        learning_rate: float. The highest, at the end of the warm-up. Adafactor's is relative to
            the size of the weights.
        warmup_steps: int. Steps from 0 to it.
        schedule_power: float above 0. Of the schedule "polynomial"; 1 is linear.
        decay_steps: int. Of the schedule "warmup_stable_decay".
        final_learning_rate: float. The rate after the run's last step.
        relative_bias_rate: float above 0. Of "adamw": multiplies the learning rate of the biases
            by distance. A bias moves by about the learning rate a step, and attention looks at a
            neighbour only from a bias of some units on: short runs never get there at 1, which is
            the paper's (docs/decisions.md).
        beta_1, beta_2, epsilon: floats. Adam's.
        weight_decay: float. Multiplied by the learning rate.
        no_weight_decay: tuple of str. Roles of the weights that do not decay, among
            `PARAMETER_ROLES`; LAMB does not scale their steps by their norms either.
        global_clipnorm: float. Bound on the norm of all gradients together; 0 for none. The train
            step applies it, to the gradient of the whole batch; the optimizer knows nothing of it.

    A setting that the chosen optimizer or schedule does not have stays at its default.

    Raises:
        ValueError: if a setting is out of its range, or two do not go together.
    """

    name: str = "adamw"
    schedule: str = "linear"
    learning_rate: float = 6e-4
    relative_bias_rate: float = 1.0
    warmup_steps: int = 24000
    schedule_power: float = 1.0
    decay_steps: int = 0
    final_learning_rate: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.98
    epsilon: float = 1e-6
    weight_decay: float = 0.01
    no_weight_decay: tuple = ("bias", "norm")
    global_clipnorm: float = 1.0

    def __post_init__(self):
        self._check_choice("name", "optimizer", _OPTIMIZERS)
        self._check_choice("schedule", "schedule", _SCHEDULES)
        require(
            self.name != "schedule_free_adamw" or self.schedule == "constant",
            "`schedule` must be 'constant' with the optimizer 'schedule_free_adamw', whose "
            "average takes the place of a decay",
            schedule=self.schedule,
        )
        self._check_learning_rates()
        for name in ("weight_decay", "global_clipnorm"):
            value = getattr(self, name)
            require(value >= 0, f"`{name}` must not be negative", **{name: value})
        for name in ("beta_1", "beta_2"):
            value = getattr(self, name)
            require(0 <= value < 1, f"`{name}` must be in [0, 1)", **{name: value})
        require(
            self.name != "schedule_free_adamw" or self.beta_1 > 0,
            "`beta_1`, the weight of the average, must be positive with the optimizer "
            "'schedule_free_adamw'",
            beta_1=self.beta_1,
        )
        require(self.epsilon > 0, "`epsilon` must be positive", epsilon=self.epsilon)
        self._check_roles()

    def _check_choice(self, field, kind, settings_of_choices):
        choice = getattr(self, field)
        require(
            choice in settings_of_choices,
            f"`{field}` must be one of {', '.join(settings_of_choices)}",
            **{field: choice},
        )
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for setting in {name: None for names in settings_of_choices.values() for name in names}:
            having = [name for name, names in settings_of_choices.items() if setting in names]
            require(
                choice in having or getattr(self, setting) == defaults[setting],
                f"`{setting}` is no setting of the {kind} {choice!r} but of "
                f"{', '.join(having)}. Leave it at {defaults[setting]!r}",
                **{setting: getattr(self, setting)},
            )

    def _check_learning_rates(self):
        require(
            self.learning_rate > 0,
            "`learning_rate` must be positive",
            learning_rate=self.learning_rate,
        )
        require(
            self.relative_bias_rate > 0,
            "`relative_bias_rate` must be positive",
            relative_bias_rate=self.relative_bias_rate,
        )
        require(
            0 <= self.final_learning_rate <= self.learning_rate,
            "`final_learning_rate` must be from 0 to `learning_rate`",
            final_learning_rate=self.final_learning_rate,
            learning_rate=self.learning_rate,
        )
        require(
            self.warmup_steps >= 0,
            "`warmup_steps` must not be negative",
            warmup_steps=self.warmup_steps,
        )
        require(
            self.schedule_power > 0,
            "`schedule_power` must be positive",
            schedule_power=self.schedule_power,
        )
        require(
            self.schedule != "warmup_stable_decay" or self.decay_steps >= 1,
            "`decay_steps` must be positive with the schedule 'warmup_stable_decay'",
            decay_steps=self.decay_steps,
        )

    def _check_roles(self):
        roles = self.no_weight_decay
        require(
            isinstance(roles, (tuple, list)) and all(role in PARAMETER_ROLES for role in roles),
            f"`no_weight_decay` must be a tuple of names among {', '.join(PARAMETER_ROLES)}",
            no_weight_decay=roles,
        )
        # JSON makes a list of it, which would not equal the tuple.
        object.__setattr__(self, "no_weight_decay", tuple(roles))

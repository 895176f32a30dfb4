"""Fixtures that more than one module of these tests uses."""

import pytest

from tests.training.optimizer_steps import make_pretrainer, randomize


@pytest.fixture(scope="session")
def shared_pretrainer():
    return make_pretrainer()


@pytest.fixture
def random_pretrainer(shared_pretrainer):
    """Weights anew for each test, none of them 0: fresh biases would not show a decay."""
    randomize(shared_pretrainer)
    return shared_pretrainer

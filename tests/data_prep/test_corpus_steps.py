"""The settings of corpus preparation: from recipes, into the manifest, and what is refused."""

import json
import pathlib
import runpy

import pytest

from data_prep.cleaning.clean import CleaningSettings
from data_prep.contamination import ContaminationSettings
from data_prep.corpus_steps import CorpusSteps, default_corpus_recipe
from data_prep.deduplication.near import NearDuplicateSettings
from data_prep.filters.quality import QualitySettings
from data_prep.sources import Corpus, Source
from mpnet_tf.data.manifest import hash_file

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


def recipe_dict(recipe):
    values = recipe.to_dict()
    del values["sources"]
    return values


def test_default_recipe_takes_no_step():
    steps = CorpusSteps.from_dict(recipe_dict(default_corpus_recipe()))
    assert steps == CorpusSteps()
    assert steps.to_dict() == {} and not steps.compare_documents and not steps.filter
    assert steps.names({"input": 1.0}) == ["tokenize"]
    assert steps.names({"input": 2.0}) == ["weigh_sources", "tokenize"]


def test_recipe_switches_steps_and_changes_settings():
    recipe = default_corpus_recipe()
    recipe.cleaning.enabled = True
    recipe.quality.enabled = True
    recipe.quality.min_words = 7
    recipe.drop_duplicates = True
    recipe.near_duplicates.threshold = 0.9  # Not enabled.
    steps = CorpusSteps.from_dict(recipe_dict(recipe))
    assert steps == CorpusSteps(
        cleaning=CleaningSettings(), quality=QualitySettings(min_words=7), drop_duplicates=True
    )
    assert steps.names({"input": 1.0}) == ["clean", "filter", "drop_duplicates", "tokenize"]
    assert json.loads(json.dumps(steps.to_dict())) == steps.to_dict()


def test_sources_keep_the_order_of_the_recipe():
    config = runpy.run_path(str(CONFIGS / "corpus_mixture.py"))["get_config"]()
    assert list(config.to_dict()["sources"]) == ["encyclopedia", "books", "web"]


@pytest.mark.parametrize("name", ["corpus_web", "corpus_mixture"])
def test_recipes_that_come_with_the_project_are_sound(name):
    config = runpy.run_path(str(CONFIGS / f"{name}.py"))["get_config"]()
    steps = CorpusSteps.from_dict(recipe_dict(config))
    assert steps.cleaning and steps.near_duplicates and steps.drop_duplicates


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"qualty": {}}, r"Unknown setting 'qualty'; the nearest known one is 'quality'"),
        (
            {"quality": {"enabled": True, "min_word": 3}},
            r"Unknown setting 'min_word' of section `quality`; the nearest .* is 'min_words'",
        ),
        (
            {"near_duplicates": {"enabled": True, "threshold": 1.5}},
            r"Section `near_duplicates`: `threshold` must be.*threshold=1.5",
        ),
    ],
)
def test_mistakes_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        CorpusSteps.from_dict(values)


def test_files_are_known_by_their_content(tmp_path):
    path = tmp_path / "evaluation.txt"
    path.write_text("a text to be evaluated on\n")
    steps = CorpusSteps(contamination=ContaminationSettings((str(tmp_path / "*.txt"),)))
    (record,) = steps.to_dict()["contamination"]["evaluation_files"]
    assert record == vars(hash_file(path)) and record["name"] == "evaluation.txt"
    assert str(tmp_path) not in json.dumps(steps.to_dict())


def test_libraries_are_those_of_the_steps():
    assert CorpusSteps().libraries() == []
    assert CorpusSteps(near_duplicates=NearDuplicateSettings()).libraries() == ["datasketch"]


def test_sources_that_make_no_sense_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    pattern = str(tmp_path / "*.txt")
    with pytest.raises(ValueError, match="'books' has no input; give it file names or globs"):
        Source("books", ("",))
    with pytest.raises(ValueError, match=r"`weight` must be a number, at least 0.*weight=-1"):
        Source("books", (pattern,), -1)
    with pytest.raises(ValueError, match=r"`weight` must be a number, at least 0.*weight='2'"):
        Source("books", (pattern,), "2")
    one = Source("books", (pattern,))
    with pytest.raises(ValueError, match=r"Each source must have its own name.*books, books"):
        Corpus([one, one], json_field="text", strict=False)
    with pytest.raises(ValueError, match=r"a\.txt is in two sources, 'books' and 'web'"):
        Corpus([one, Source("web", (pattern,))], json_field="text", strict=False)


def test_sections_of_a_recipe_are_sources():
    assert Source.from_dict("books", {"input": "a.txt"}) == Source("books", ("a.txt",), 1.0)
    values = {"input": ("a.txt", "b*.txt"), "weight": 2.0}
    assert Source.from_dict("books", values) == Source("books", ("a.txt", "b*.txt"), 2.0)


@pytest.mark.parametrize(
    "values", [{"inputs": "a.txt"}, {"input": "a.txt", "wieght": 2.0}, {"weight": 1.0}, ("a.txt",)]
)
def test_sections_that_are_no_sources_are_refused(values):
    with pytest.raises(ValueError, match=r"The source 'books' must be .*`input`.*Received: "):
        Source.from_dict("books", values)

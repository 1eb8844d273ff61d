"""Settings: their defaults, the environment, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from rag.config import Config, default_corpus

SEEDS = Path(__file__).resolve().parent.parent / "seeds"


def test_the_defaults_are_the_seeds_the_local_index_and_the_packaged_model():
    config = Config()
    assert config.corpus == default_corpus()
    assert config.index == Path(".citewell")
    assert config.embedding == "sentence-transformers/all-MiniLM-L6-v2"
    assert (config.device, config.threshold) == (None, None)


def test_the_default_corpus_is_seeds_below_the_current_folder_or_those_of_the_checkout(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Config().corpus == SEEDS
    (tmp_path / "seeds").mkdir()
    assert Config().corpus == Path("seeds")


def test_a_setting_comes_from_its_argument_then_from_the_environment(monkeypatch):
    monkeypatch.setenv("CITEWELL_MAX_QUOTES", "7")
    monkeypatch.setenv("citewell_index", "elsewhere")
    assert Config().max_quotes == 7
    assert Config().index == Path("elsewhere")
    assert Config(max_quotes=2).max_quotes == 2


@pytest.mark.parametrize("name", sorted(Config.model_fields))
def test_an_empty_variable_counts_as_not_set(monkeypatch, name):
    default = getattr(Config(), name)
    monkeypatch.setenv(f"CITEWELL_{name.upper()}", "")
    assert getattr(Config(), name) == default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("max_file_bytes", 0),
        ("passage_tokens", 15),
        ("candidates", 0),
        ("max_quotes", 0),
        ("threshold", -0.01),
        ("threshold", 1.01),
        ("threshold", float("nan")),
        ("cached_sentences", -1),
        ("cached_articles", 0),
        ("lock_timeout", -1),
        ("answer_timeout", 0),
        ("treshold", 0.5),
    ],
)
def test_a_value_out_of_range_or_an_unknown_setting_is_refused(name, value):
    with pytest.raises(ValidationError) as error:
        Config(**{name: value})
    assert error.value.errors()[0]["loc"] == (name,)


def test_what_concerns_the_page_alone_stays_out_of_records():
    assert Config(auth=Path("users.txt"), answer_timeout=1).model_dump() == Config().model_dump()


def test_settings_cannot_be_changed_and_can_be_compared():
    config = Config(max_quotes=2)
    with pytest.raises(ValidationError):
        config.max_quotes = 3
    assert config == Config(max_quotes=2)
    assert len({config, Config(max_quotes=2), Config(max_quotes=3)}) == 2

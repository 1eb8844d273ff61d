import gc
import json

import pytest
from indexed import check_rows, counts

from rag.config import Config
from rag.index import open_index, update_index
from rag.vectors import read_vectors

ARTICLE = "\n\n".join(f"The number {n} ferry left the port of Alat at dawn. It carried {n} lorries." for n in range(30))


@pytest.fixture
def config(write_corpus, embedder):
    config = write_corpus({"a.txt": ARTICLE, "b.txt": "Wine exports fell in 2023."})
    update_index(config, embedder)
    return config


@pytest.fixture
def encoded(embedder, monkeypatch):
    """The texts that the model encodes from now on."""
    encode, texts = embedder.model.encode_document, []

    def encode_document(batch, **options):
        texts.extend(batch)
        return encode(batch, **options)

    monkeypatch.setattr(embedder.model, "encode_document", encode_document)
    return texts


def test_of_a_changed_article_only_the_new_texts_are_embedded(config, embedder, encoded):
    (config.corpus / "a.txt").write_text(ARTICLE.replace("carried 7 lorries", "sank"))
    assert counts(update_index(config, embedder))[:4] == (0, 1, 0, 1)
    assert "It sank." in encoded
    assert all("It sank." in text for text in encoded)
    check_rows(config, embedder)


def test_a_sentence_that_moves_within_an_article_keeps_its_vector(config, embedder, encoded):
    paragraphs = ARTICLE.split("\n\n")
    (config.corpus / "a.txt").write_text("\n\n".join(paragraphs[1:]))
    update_index(config, embedder)
    assert not {*encoded} & {sentence + "." for sentence in ARTICLE.replace("\n\n", " ").split(".")}
    encoded.clear()
    check_rows(config, embedder)


def test_a_renamed_article_is_not_embedded_again(config, embedder, encoded):
    (config.corpus / "a.txt").rename(config.corpus / "z.txt")
    assert counts(update_index(config, embedder))[:4] == (1, 0, 1, 1)
    assert encoded == []
    check_rows(config, embedder)


def test_keys_survive_two_updates(config, embedder, encoded):
    (config.corpus / "b.txt").write_text("Wine exports rose in 2023.")
    update_index(config, embedder)
    encoded.clear()
    (config.corpus / "a.txt").write_text(ARTICLE + "\n\nThen it sank.")
    update_index(config, embedder)
    assert all("Then it sank." in text for text in encoded)
    assert encoded


def test_an_index_of_an_earlier_version_is_updated_without_keys(config, embedder, encoded):
    generation = config.index / json.loads((config.index / "CURRENT").read_text())["generation"]
    manifest = json.loads((generation / "manifest.json").read_text())
    for file in generation.glob("*_keys.npy"):
        file.unlink()
        del manifest["checksums"][file.name]
    (generation / "manifest.json").write_text(json.dumps(manifest))
    (config.corpus / "a.txt").write_text(ARTICLE + "\n\nThen it sank.")
    update_index(config, embedder)
    assert len(encoded) > 60
    encoded.clear()
    check_rows(config, embedder)


def test_vectors_are_found_among_more_names_than_chroma_takes_at_once(config, embedder):
    index = open_index(config, embedder)
    names = [f"b.txt#s{number}" for number in range(40_000)]
    found = read_vectors(index.vectors, "sentences", names)
    index.close()
    assert list(found) == ["b.txt#s0"]


def test_no_more_vectors_are_taken_over_than_fit_the_window(config, embedder, encoded):
    narrow = Config(**config.model_dump() | {"index_window": 1})
    (config.corpus / "a.txt").rename(config.corpus / "y.txt")
    (config.corpus / "b.txt").rename(config.corpus / "z.txt")
    update_index(narrow, embedder)
    assert "Wine exports fell in 2023." in encoded
    check_rows(config, embedder)


def test_the_garbage_collector_runs_again_after_an_update(config, embedder):
    (config.corpus / "b.txt").write_text("Wine exports rose.")
    update_index(config, embedder)
    assert gc.isenabled()
    gc.disable()
    try:
        update_index(config, embedder)
        assert not gc.isenabled()
    finally:
        gc.enable()

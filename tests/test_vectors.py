"""What lies in Chroma after many updates."""

import numpy as np

from rag.generations import current_generation
from rag.index import open_index, update_index
from rag.vectors import COLLECTIONS, PLACE, copy_vectors, is_worn, opened_chroma

SENTENCES = " ".join(f"The port of Poti moved {number} containers in week {number}." for number in range(60))


def count_places(config) -> int:
    lengths = current_generation(config.index).glob("chroma/*/length.bin")
    return sum(file.stat().st_size // PLACE for file in lengths)


def read_all(config, embedder):
    index = open_index(config, embedder)
    stored = {}
    for collection in (index.sentences, index.passages):
        page = collection.get(include=["embeddings", "metadatas"])
        stored |= {
            name: (vector, place)
            for name, vector, place in zip(page["ids"], page["embeddings"], page["metadatas"], strict=True)
        }
    index.close()
    return stored


def test_a_graph_of_mostly_removed_vectors_is_made_anew_and_holds_the_same(write_corpus, embedder, monkeypatch):
    monkeypatch.setattr("rag.vectors.SPARE", 100)
    config = write_corpus({"a.txt": f"Poti.\n\n{SENTENCES}", "b.txt": "Batumi.\n\nBatumi grows tea and sells it."})
    update_index(config, embedder)
    most, seen = 0, []
    for number in range(30):
        (config.corpus / "a.txt").write_text(f"Poti.\n\n{SENTENCES} Revision {number}.")
        report = update_index(config, embedder)
        assert report.changed == 1
        most = max(most, count_places(config))
        seen.append(is_worn(current_generation(config.index), report.manifest.sentences + report.manifest.passages))
    assert any(seen)
    assert not all(seen[seen.index(True) + 1 :])
    kept = read_all(config, embedder)
    update_index(config, embedder, rebuild=True)
    anew = read_all(config, embedder)
    assert kept.keys() == anew.keys()
    assert all(kept[name][1] == anew[name][1] for name in anew)
    assert max(np.abs(kept[name][0] - anew[name][0]).max() for name in anew) < 1e-5
    assert most < 30 * 60


def test_copying_reads_a_collections_schema_once_not_for_each_vector(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr("rag.vectors.has_sparse", lambda collection: bool(looks.append(collection.name)))
    monkeypatch.setattr("rag.vectors.COPIED", 2)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with opened_chroma(tmp_path / "old") as old, opened_chroma(tmp_path / "new") as new:
        for name in COLLECTIONS:
            places = [{"source": source} for source in ("a.txt", "a.txt", "b.txt", "a.txt", "a.txt")]
            old.made(name).add(ids=list("12345"), embeddings=np.eye(5, dtype=np.float32), metadatas=places)
        copy_vectors(old, new, {"a.txt"})
        assert sorted(looks) == ["passages", "sentences"]
        for name in COLLECTIONS:
            copied = new.collection(name).get(include=["embeddings"])
            assert sorted(copied["ids"]) == ["1", "2", "4", "5"]
            assert np.array_equal(copied["embeddings"][copied["ids"].index("4")], np.eye(5)[3])

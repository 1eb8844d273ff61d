"""The scaling measurement: its archive, its copied vectors, exact search, and one small run without the asking."""

from pathlib import Path

import numpy as np
import pytest

from eval.scale import Asked, Built, CopyingEmbedder, Scale, build, index_again, make_scale_table, measure_recall
from eval.speed import measure_growth
from eval.workload import read_sentences, write_archive
from rag.config import Config
from rag.errors import CitewellError

SENTENCES = ["Trade with China rose by 20.7% in 2024.", "Nobody in Baku\nknows why.", "Wine is sold in Ganja."]


def test_an_archive_depends_on_nothing_but_its_seed_and_has_as_many_sentences_as_asked(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        assert write_archive(tmp_path / name, SENTENCES, 200, seed) == 20
    texts = {
        name: [p.read_text() for p in sorted((tmp_path / name).rglob("*.txt"))] for name in ("one", "same", "other")
    }
    assert texts["one"] == texts["same"]
    assert texts["one"] != texts["other"]
    assert len(read_sentences(tmp_path / "one", 1_000_000)) == 200


def test_a_copied_vector_is_the_texts_own_near_one_of_the_file_and_a_unit_long(tmp_path, embedder) -> None:
    vectors = np.eye(5, 384, dtype=np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    copying = CopyingEmbedder(embedder, tmp_path / "vectors.npy").for_llama_index(32)
    one, other, again = np.asarray(copying.get_text_embedding_batch(["a", "b", "a"]))
    assert one.tolist() == again.tolist() != other.tolist()
    assert [np.linalg.norm(one), np.linalg.norm(other)] == pytest.approx([1, 1])
    assert (vectors @ one).max() == pytest.approx(0.96, abs=0.02)


def test_an_archive_with_copied_vectors_is_indexed_indexed_again_and_searched(tmp_path, embedder) -> None:
    config = Config(corpus=tmp_path / "archive", index=tmp_path / "index")
    articles = write_archive(config.corpus, SENTENCES, 200)
    np.save(tmp_path / "vectors.npy", embedder.model.encode(SENTENCES))
    built = build(config, articles, tmp_path / "vectors.npy")
    assert (built.articles, built.bare) == (20, 0.0)
    assert built.texts >= 220
    assert built.disk > 220 * 384 * 4
    assert index_again(config) > 0
    assert measure_recall(config) > 0.9


def test_a_size_that_cannot_be_embedded_is_refused(tmp_path) -> None:
    with pytest.raises(CitewellError, match="Add a smaller one"):
        list(measure_growth(Config(), tmp_path, [1_000_000]))


def test_the_table_has_a_column_for_each_size_and_no_rate_for_copies() -> None:
    asked = Asked({stage: [1.0, 3.0] for stage in ("refresh", "encode", "retrieve", "read", "total")}, 2**30)
    scales = [
        Scale(1_000, Built(100, 1_200, 10.0, 130.0, 1_024_000, 2**20), 0.5, asked, 0.99),
        Scale(2_000, Built(200, 2_400, 10.0, 0.0, 4_096_000, 2**20), 1.0, asked, 0.98),
    ]
    columns = [list(column.cells) for column in make_scale_table(scales).columns]
    rows = dict(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
    assert rows["indexing against bare"] == ("0.92 ×", "")
    assert rows["texts in the index"] == ("1,200", "2,400, copied vectors")
    assert rows["disk a sentence"] == ("1.0 KiB", "2.0 KiB")
    assert rows["total, p50 / p95"] == ("2.0 / 2.9 ms",) * 2

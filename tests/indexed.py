"""What tests of the index check: counts of an update, and that rows, vectors and articles belong together."""

import numpy as np

from rag.index import open_index


def counts(report):
    return report.added, report.changed, report.removed, report.unchanged, report.embedded


def check_rows(config, embedder):
    """Every row leads to its sentence's place in the article, and its vector is that of the sentence."""
    index = open_index(config, embedder)
    rows = 0
    for row in range(index.manifest.sentences):
        file, number = index.rows.locate(row)
        assert index.rows.row(file.source, number) == row
        stored = index.sentences.get(ids=[f"{file.source}#s{number}"], include=["metadatas", "embeddings"])
        place = stored["metadatas"][0]
        text = (config.corpus / file.source).read_bytes().decode()[place["start"] : place["end"]]
        assert np.allclose(stored["embeddings"][0], embedder.encode_sentences([text])[0].vector, atol=1e-4)
        rows += 1
    counted = index.sentences.count(), index.passages.count(), len(index.lexical), len(index.passage_of)
    assert counted == (rows, index.manifest.passages, rows, rows)
    index.close()

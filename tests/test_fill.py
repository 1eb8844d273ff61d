"""Vectors on their way into Chroma: what LlamaIndex finds there."""

from llama_index.core.vector_stores.types import VectorStoreQuery

from rag.vectors import vector_store


def test_llama_index_finds_the_nodes_with_their_places(seeds_index, embedder):
    text = "Today, 245 Azerbaijani companies operate in Beijing"
    vector = embedder.encode_question(text).vector.tolist()
    found = vector_store(seeds_index.vectors, "sentences").query(
        VectorStoreQuery(query_embedding=vector, similarity_top_k=1)
    )
    (node,) = found.nodes
    assert found.ids == [node.node_id]
    source, _, number = node.node_id.rpartition("#s")
    assert (
        seeds_index.rows.locate(seeds_index.rows.row(source, int(number)))[0].source
        == node.metadata["source"]
        == source
    )
    assert 0 < node.metadata["start"] < node.metadata["end"]

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from rag.config import DEFAULT_EMBEDDING
from rag.embed import MINILM_SHA256, find_model, fingerprint_model, load_embedder
from rag.errors import CitewellError, ModelError


def test_the_default_model_is_the_genuine_one_and_is_loaded_once(embedder):
    assert embedder.fingerprint == f"sha256:{MINILM_SHA256}"
    assert load_embedder(DEFAULT_EMBEDDING, "cpu") is embedder


def test_a_question_and_its_word_pieces_have_unit_vectors_at_their_places(embedder):
    question = "How much was traded — İn 2007?"
    encoded = embedder.encode_question(question)
    assert encoded.vector.shape == (384,)
    assert encoded.tokens.shape == (len(encoded.spans), 384)
    assert np.allclose(np.linalg.norm(encoded.tokens, axis=1), 1, atol=1e-5)
    assert np.isclose(np.linalg.norm(encoded.vector), 1, atol=1e-5)
    words = [question[start:end] for start, end in encoded.spans]
    assert words[:4] == ["How", "much", "was", "traded"]
    assert words[-2:] == ["2007", "?"]


def test_a_sentence_has_the_same_vector_alone_in_a_batch_and_through_llama_index(embedder):
    texts = ["Trade rose.", "A much longer sentence about trade between two countries, which rose.", "x"]
    alone = np.stack([embedder.encode_sentences([text])[0].vector for text in texts])
    batch = np.stack([encoded.vector for encoded in embedder.encode_sentences(texts)])
    llama = np.asarray(embedder.for_llama_index(2).get_text_embedding_batch(texts))
    assert np.allclose(alone, batch, atol=1e-5)
    assert np.allclose(alone, llama, atol=1e-5)


def test_what_lies_beyond_256_word_pieces_is_not_encoded(embedder):
    (encoded,) = embedder.encode_sentences(["word " * 1_000])
    assert len(encoded.tokens) == 254


def test_no_texts_give_no_vectors(embedder):
    assert embedder.encode_sentences([]) == []
    assert embedder.count_tokens([]) == []


def test_word_pieces_are_counted_without_special_ones_and_without_a_limit(embedder):
    assert embedder.count_tokens(["trade rose", "", "word " * 1_000]) == [2, 0, 1_000]


def test_threads_encode_alike(embedder):
    questions = [f"How many companies of kind {number}?" for number in range(24)]
    expected = [embedder.encode_question(question).vector for question in questions]
    with ThreadPoolExecutor(8) as pool:
        found = [encoded.vector for encoded in pool.map(embedder.encode_question, questions)]
    assert np.allclose(expected, found, atol=1e-6)


def test_weights_that_are_not_the_genuine_ones_are_refused_with_what_to_do(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(
        ModelError, match=r"hashes to .* but the genuine all-MiniLM-L6-v2 to 53aa51172d14…. Install it anew"
    ):
        fingerprint_model(DEFAULT_EMBEDDING, tmp_path)


def test_a_folder_of_ones_own_is_told_apart_by_its_weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other")
    assert fingerprint_model(str(tmp_path), tmp_path).startswith("sha256:d9298a10")


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        load_embedder(str(tmp_path))


def test_a_copy_of_the_model_in_another_folder_works_alike(tmp_path, embedder):
    shutil.copytree(find_model(DEFAULT_EMBEDDING), tmp_path / "copy")
    copy = load_embedder(str(tmp_path / "copy"), "cpu")
    assert copy.fingerprint == embedder.fingerprint
    assert np.allclose(copy.encode_question("Why?").vector, embedder.encode_question("Why?").vector)


def test_the_network_is_out_of_reach_of_tests():
    with pytest.raises(Exception, match=r"A test looked up 'example\.com'"):
        socket.create_connection(("example.com", 80))
    with socket.socket() as unconnected, pytest.raises(Exception, match="A test connected to"):
        unconnected.connect(("192.0.2.1", 80))


def test_a_model_that_is_not_on_this_machine_is_refused_without_looking_for_it_elsewhere(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(
        ModelError, match=r"^The embedding model 'no-such/model' cannot be loaded .* Set CITEWELL_EMBED"
    ):
        load_embedder("no-such/model")


def test_a_device_that_this_machine_lacks_is_refused():
    with pytest.raises(ModelError, match="CITEWELL_DEVICE"):
        load_embedder(DEFAULT_EMBEDDING, "bogus")


def shrink_memory(embedder, monkeypatch, fits, error):
    """Lets the model fail for batches of more than `fits` texts; returns the sizes that are tried."""
    encode, tried = embedder.model.encode_document, []

    def encode_document(texts, batch_size, **options):
        tried.append(batch_size)
        if batch_size > fits:
            raise error
        return encode(texts, batch_size=batch_size, **options)

    monkeypatch.setattr(embedder.model, "encode_document", encode_document)
    return tried


OUT_OF_MEMORY = [
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4096 bytes."),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_a_batch_that_does_not_fit_into_memory_is_halved_and_stays_so(embedder, monkeypatch, caplog, error):
    texts = [f"Fact {number} holds." for number in range(9)]
    expected = embedder.for_llama_index(8).get_text_embedding_batch(texts)
    tried = shrink_memory(embedder, monkeypatch, 2, error)
    model = embedder.for_llama_index(8)
    assert np.allclose(model.get_text_embedding_batch(texts), expected, atol=1e-5)
    model.get_text_embedding_batch(texts)
    assert tried == [8, 4, *[2, 2, 2, 2, 1] * 2]
    assert [record.getMessage() for record in caplog.records if record.name == "rag.memory"] == [
        "Out of memory with 8 texts a batch: going on with 4.",
        "Out of memory with 4 texts a batch: going on with 2.",
    ]


def test_a_text_that_does_not_fit_into_memory_alone_is_an_error_that_says_what_to_set(embedder, monkeypatch):
    shrink_memory(embedder, monkeypatch, 0, MemoryError())
    with pytest.raises(CitewellError, match=r"one text at a time.*CITEWELL_DEVICE=cpu or a smaller model as CITEWELL_"):
        embedder.for_llama_index(8).get_text_embedding_batch(["A fact."])


def test_another_failure_of_the_model_is_not_taken_for_a_lack_of_memory(embedder, monkeypatch):
    tried = shrink_memory(embedder, monkeypatch, 0, RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        embedder.for_llama_index(8).get_text_embedding_batch(["A fact.", "Another."])
    assert tried == [2]

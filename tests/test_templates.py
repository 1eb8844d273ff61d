"""Prompts are files, checked before they are used; a user's folder replaces single ones."""

import hashlib

import pytest

from rag.errors import CitewellError
from rag.templates import PLACEHOLDERS, SHIPPED, load_prompts


def test_the_shipped_prompts_are_complete_and_carry_the_hash_of_their_file():
    prompts = load_prompts()
    assert prompts.keys() == PLACEHOLDERS.keys()
    for name, prompt in prompts.items():
        assert prompt.file == SHIPPED / f"{name}.md"
        assert prompt.sha256 == hashlib.sha256(prompt.file.read_bytes()).hexdigest()


def test_values_are_put_in_as_they_are():
    system, user = load_prompts()["answer"].render(question="{{ fence }} {% if %}", sentences="<b> & S1", fence="=9=")
    assert "Question: {{ fence }} {% if %}" in user
    assert user.startswith("=9=\n<b> & S1\n=9=\n")
    assert "two lines that hold =9=" in system


def test_a_folder_replaces_the_prompts_that_it_holds(tmp_path):
    (tmp_path / "answer.md").write_text("Say {{ fence }}\n---\n{{ question }} {{ sentences }}\n")
    (tmp_path / "notes.txt").write_text("not a prompt")
    prompts = load_prompts(tmp_path)
    assert prompts["answer"].render(question="Q", sentences="S", fence="F") == ("Say F", "Q S")
    assert prompts["answer"].sha256 != load_prompts()["answer"].sha256
    assert prompts["condense"].file == SHIPPED / "condense.md"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a\n---\n{{ question }}\n{{ sentence }}\n{{ fence }}\n",
            r"line 4: the placeholder 'sentence' is unknown",
        ),
        (
            "{{ who }}\n---\n{{ question }}{{ sentences }}{{ fence }}\n",
            r"line 1: the placeholder 'who' is unknown",
        ),
        ("a\n---\n{{ question }}\n{{ fence }}\n", r"answer\.md', line 4: .* without the placeholder 'sentences'"),
        ("a\n{{ question }}\n", r"answer\.md', line 2: the file ends without a line '---'"),
        ("", r"answer\.md', line 0: the file ends without a line '---'"),
        ("a\n---\n{{ question }\n", r"answer\.md', line 3: "),
        ("a\n---\nb\n{% for %}\n", r"answer\.md', line 4: "),
    ],
    ids=["unknown", "unknown above", "missing", "no divider", "empty", "half", "no loop"],
)
def test_a_faulty_prompt_is_refused_with_file_and_line(tmp_path, text, message):
    (tmp_path / "answer.md").write_text(text)
    with pytest.raises(CitewellError, match=message):
        load_prompts(tmp_path)


def test_a_file_that_is_no_prompt_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(CitewellError, match=r"none' does not exist\. Correct CITEWELL_PROMPTS"):
        load_prompts(tmp_path / "none")
    (tmp_path / "anser.md").write_text("a\n---\nb\n")
    with pytest.raises(CitewellError, match=r"anser\.md' is no prompt of Citewell; there are answer\.md, condense\.md"):
        load_prompts(tmp_path)
    (tmp_path / "anser.md").unlink()
    (tmp_path / "answer.md").write_bytes(b"\xff\n---\n")
    with pytest.raises(CitewellError, match="cannot be read"):
        load_prompts(tmp_path)


def test_a_prompt_has_no_way_into_python(tmp_path):
    leak = "{{ question.__class__.__mro__ }}"
    (tmp_path / "answer.md").write_text(f"{leak}\n---\n{{{{ question }}}}{{{{ sentences }}}}{{{{ fence }}}}\n")
    prompt = load_prompts(tmp_path)["answer"]
    with pytest.raises(Exception, match=r"unsafe|undefined"):
        prompt.render(question="Q", sentences="S", fence="F")

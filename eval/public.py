"""Public questions about passages that training never saw, as a corpus of articles with cases like our own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from eval.cases import Case, Passage
from rag.errors import CitewellError
from rag.train.questions import Question, Questions, load_questions


def make_parser(module: str, about: str | None) -> argparse.ArgumentParser:
    """A command line whose `--data FOLDER` gives the folder's questions."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument(
        "--data", type=_load, required=True, metavar="FOLDER", help="with the question sets of the model card"
    )
    return parser


def _load(folder: str) -> Questions:
    try:
        return load_questions(Path(folder))
    except CitewellError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def write_corpus(questions: Sequence[Question], corpus: Path) -> tuple[Case, ...]:
    """Writes one article a title, a paragraph a passage, and returns a case a question.

    Sentences that people marked as right are alternatives of one fact. Questions without a title are left out.
    """
    corpus.mkdir(parents=True, exist_ok=True)
    titled = [question for question in questions if question.title]
    for title in dict.fromkeys(question.title for question in titled):
        passages = dict.fromkeys(" ".join(q.sentences) for q in titled if q.title == title)
        (corpus / _file_name(title)).write_text("\n\n".join([title, *passages]) + "\n", encoding="utf-8")
    return tuple(_make_case(number, question) for number, question in enumerate(titled))


def _make_case(number: int, question: Question) -> Case:
    right = tuple(Passage(_file_name(question.title), question.sentences[i]) for i in question.positive)
    return Case(
        id=f"{question.source}-{number}",
        split="dev",
        kind="fact" if right else "near_miss",
        question=question.text,
        answerable=bool(right),
        short=question.answer or None,
        gold=(right,) if right else (),
    )


def _file_name(title: str) -> str:
    return f"{title.replace('/', '-')}.txt"

"""The command line: `citewell ask`, `index` and `doctor`, and what other packages add as `citewell.commands`."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from rag.config import Config
from rag.errors import CitewellError

Corpus = Annotated[Path | None, typer.Option(help="Folder of .txt and .md articles.", show_default="seeds")]
Index = Annotated[Path | None, typer.Option(help="Folder of the index.", show_default=".citewell")]

app = typer.Typer(
    help="Ask a folder of articles; every answer is made of verbatim, checked quotes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Runs the command line. Exits with 0 when done, 1 when declined or a check failed, 2 for wrong use or set-up."""
    logging.basicConfig(format="%(message)s", level=logging.ERROR)
    logging.getLogger("rag").setLevel(logging.WARNING)
    for entry_point in entry_points(group="citewell.commands"):
        app.add_typer(entry_point.load(), name=entry_point.name)
    try:
        app()
    except (CitewellError, ValueError) as error:
        _fail(_one_line(error))
    except KeyboardInterrupt:
        _fail("Stopped.", code=130)


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        name = "CITEWELL_" + "_".join(str(part) for part in first["loc"]).upper()
        return f"{name} is {first['input']!r}: {first['msg']}."
    return " ".join(str(error).split())


def _fail(message: str, code: int = 2) -> None:
    print(f"citewell: {message}", file=sys.stderr)
    sys.exit(code)


def make_config(corpus: Path | None, index: Path | None) -> Config:
    """The settings of the environment, with the command's own options before them."""
    given: dict[str, Any] = {"corpus": corpus, "index": index}
    return Config(**{name: value for name, value in given.items() if value is not None})


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotation marks.")],
    json: Annotated[bool, typer.Option("--json", help="Print the whole Answer as JSON.")] = False,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Answer one question with quotes, each with outlet, date, file and offsets."""
    from rag.assistant import Assistant, check_question
    from rag.console import print_answer

    check_question(question)
    with Assistant.open(make_config(corpus, index)) as assistant:
        answer = assistant.ask(question)
    if json:
        print(answer.to_json(indent=2))
    else:
        print_answer(answer)
    raise typer.Exit(0 if answer.answered else 1)


@app.command(name="index")
def build_index(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Use nothing of the old index.")] = False,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Bring the index up to date with the articles, and list what was skipped and why."""
    from rag.console import print_report
    from rag.embed import load_embedder
    from rag.index import update_index

    config = make_config(corpus, index)
    report = update_index(config, load_embedder(config.embedding, config.device), rebuild=rebuild)
    print_report(report, config)


@app.command()
def doctor(corpus: Corpus = None, index: Index = None) -> None:
    """Check Python, packages, weights, corpus, index and disk; each with a remedy where it fails."""
    from rag.console import print_checks
    from rag.doctor import examine

    checks = examine(make_config(corpus, index))
    print_checks(checks)
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


if __name__ == "__main__":
    main()

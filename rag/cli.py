"""The command line: `citewell ask`, `index` and `doctor`, and what other packages add as `citewell.commands`."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import entry_points
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from rag.config import Config
from rag.converse import check_question
from rag.errors import CitewellError
from rag.schema import Filters


def _folder(name: str) -> Path:
    """An empty name, mostly a shell variable that is not set, must not stand for the current folder."""
    if not name:
        raise typer.BadParameter("the name is empty; '.' is the current folder")
    return Path(name)


Corpus = Annotated[
    Path | None,
    typer.Option(
        parser=_folder,
        metavar="FOLDER",
        help="Folder of articles.",
        show_default="seeds",
    ),
]
Index = Annotated[
    Path | None, typer.Option(parser=_folder, metavar="FOLDER", help="Folder of the index.", show_default=".citewell")
]

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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal cannot show must not end the command
            stream.reconfigure(errors="backslashreplace")
    try:
        for entry_point in entry_points(group="citewell.commands"):
            app.add_typer(entry_point.load(), name=entry_point.name)
        sys.exit(app(prog_name="citewell", standalone_mode=False))
    except (CitewellError, ValueError, OSError, typer.TyperException) as error:
        _fail(_one_line(error))
    except KeyboardInterrupt:
        _fail("Stopped.", code=130)


def _one_line(error: Exception) -> str:
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        wrong = error.format_message().rstrip(".") or "A command is missing"
        return f"{wrong}. See: {context.command_path if context else 'citewell'} --help"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        name = "CITEWELL_" + "_".join(str(part) for part in first["loc"]).upper()
        return f"{name} is {first['input']!r}: {first['msg']}."
    return str(error)


def _fail(message: str, code: int = 2) -> None:
    from rag.console import visible

    print("citewell:", *visible(message).split(), file=sys.stderr)
    sys.exit(code)


def make_config(corpus: Path | None, index: Path | None) -> Config:
    """The settings of the environment, with the command's own options before them."""
    given: dict[str, Any] = {"corpus": corpus, "index": index}
    return Config(**{name: value for name, value in given.items() if value is not None})


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotation marks.")],
    json: Annotated[bool, typer.Option("--json", help="Print the whole Answer as JSON.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(parser=_folder, metavar="DIR", help="Also write the answer with all that checks it to a folder."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only articles from this day, month or year on: YYYY[-MM[-DD]].")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only articles up to this day, month or year, included.")
    ] = None,
    publisher: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this publisher's articles; may be given again.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only files like this, as in '2024/*.txt'; may be given again."),
    ] = None,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Answer one question with quotes, each with outlet, date, file and offsets."""
    from rag.assistant import Assistant
    from rag.console import print_answer, print_exported, print_json
    from rag.export import check_folder, export_answer
    from rag.filters import check_filters

    check_question(question)
    filters = Filters(since, until, tuple(publisher or ()), tuple(source or ()))
    check_filters(filters)
    config = make_config(corpus, index)
    replaced = bool(export and check_folder(export, question))
    with Assistant.open(config) as assistant:
        answer = assistant.ask(question, filters=filters)
    if json:
        print_json(answer)
    else:
        print_answer(answer)
    if export:
        print_exported(export_answer(answer, export, config), replaced)
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


@app.command(name="verify")
def verify_draft(
    draft: Annotated[Path, typer.Argument(help="A text, or the JSON of an answer; '-' reads from standard input.")],
    json: Annotated[bool, typer.Option("--json", help="Print everything that was checked as JSON.")] = False,
    annotate: Annotated[
        Path | None, typer.Option(help="Also write the draft with the findings in it: a .md or .html file.")
    ] = None,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Check each quotation and figure of a draft against the articles; exit with 1 unless all of it is verbatim."""
    from rag.annotate import write_annotated
    from rag.articles import read_articles
    from rag.console import print_json, print_verification
    from rag.draft_file import read_draft
    from rag.errors import CitewellError
    from rag.schema import Article
    from rag.verify import verify, verify_answer

    config = make_config(corpus, index)
    text, answer = read_draft(draft)
    if annotate and answer is not None:
        raise CitewellError(f"'{draft}' is JSON, which cannot be annotated. Leave --annotate out.")
    articles = [a for a in read_articles(config.corpus, config.max_file_bytes, config.index) if isinstance(a, Article)]
    verification = verify(text, articles) if answer is None else verify_answer(answer, articles)
    if annotate:
        write_annotated(annotate, text, verification)
    if json:
        print_json(verification)
    else:
        print_verification(verification)
    raise typer.Exit(0 if verification.holds else 1)


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

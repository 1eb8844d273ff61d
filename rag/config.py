"""Every setting on one screen; each can be given as an argument or as `CITEWELL_<NAME>` in the environment.

An empty variable counts as not set.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_EMBEDDING = "sentence-transformers/all-MiniLM-L6-v2"


def default_corpus() -> Path:
    """`seeds` below the current folder, or else the articles that come with a checkout of the project."""
    here = Path("seeds")
    shipped = Path(__file__).resolve().parent.parent / "seeds"
    return shipped if shipped.is_dir() and not here.is_dir() else here


class Config(BaseSettings):
    """Frozen settings of one assistant. Raises pydantic's ValidationError for a value out of range.

    What is excluded concerns the page alone and changes no answer: it stays out of runs and reports.
    """

    model_config = SettingsConfigDict(env_prefix="CITEWELL_", frozen=True, extra="forbid", env_ignore_empty=True)

    corpus: Path = Field(default_factory=default_corpus, description="folder of articles")
    index: Path = Field(default=Path(".citewell"), description="folder of the index; made when missing")
    chroma: str | None = Field(default=None, description="address of a Chroma server that keeps the vectors")
    embedding: str = Field(default=DEFAULT_EMBEDDING, description="sentence-transformers name or folder")
    device: str | None = Field(default=None, description="torch device; None takes a GPU where there is one")
    batch_size: int = Field(default=32, ge=1, description="texts a forward pass")
    index_window: int = Field(default=8_192, ge=1, description="texts that indexing holds in memory at once")
    ray: str | None = Field(default=None, description="embeds in bulk on Ray: local, auto or ray://host:10001")
    ray_workers: int | None = Field(default=None, ge=1, description="workers on Ray; None takes one a CPU (or GPU)")
    max_file_bytes: int = Field(default=50_000_000, ge=1, description="larger files are skipped")
    passage_tokens: int = Field(default=256, ge=16, description="word pieces a passage, special tokens included")
    candidates: int = Field(default=50, ge=1, description="sentences that reach the reader")
    read_candidates: int = Field(default=20, ge=1, description="the best of these, which the trained model reads")
    max_quotes: int = Field(default=3, ge=1, description="quotes an answer")
    threshold: float | None = Field(default=None, ge=0, le=1, description="declines below; None takes the fitted one")
    cached_sentences: int = Field(default=4_000, ge=0, description="sentences whose vectors stay in memory, 60 kB each")
    cached_articles: int = Field(default=200, ge=1, description="articles whose text stays in memory")
    llm: str | None = Field(default=None, description="language model as provider/model; None for quotes alone")
    llm_url: str | None = Field(default=None, description="address of the provider's server; None takes its own")
    llm_timeout: float = Field(default=120.0, gt=0, description="seconds for a reply, from the request to its end")
    llm_retries: int = Field(default=2, ge=0, le=10, description="further attempts after a failed one")
    llm_context: int = Field(default=8_192, ge=1_024, description="tokens that the model reads and writes together")
    llm_sentences: int = Field(default=20, ge=1, description="sentences that the model is shown, at most")
    prompts: Path | None = Field(default=None, description="folder whose prompts replace the shipped ones")
    answer_timeout: float = Field(
        default=60.0, gt=0, exclude=True, description="seconds for an answer or a check on the page"
    )
    auth: Path | None = Field(default=None, exclude=True, description="file of those who may log in to the page")
    upload: bool = Field(default=False, exclude=True, description="whether visitors of the page may add articles")
    upload_bytes: int = Field(default=10_000_000, ge=1, exclude=True, description="of a file that they add")
    upload_files: int = Field(default=200, ge=1, exclude=True, description="that they may add in all")
    lock_timeout: float = Field(default=600.0, ge=0, description="seconds to wait for another writer")

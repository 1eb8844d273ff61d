"""Citewell: questions to a folder of articles, answered with verbatim, checked quotes."""

from rag.assistant import Assistant, answer
from rag.config import Config
from rag.schema import Filters

__all__ = ["Assistant", "Config", "Filters", "answer"]

"""Errors that a person can act on: each message says what was expected, what arrived and what to do next."""


class CitewellError(Exception):
    """Wrong use or a broken set-up; the command line prints it as one line and exits with 2."""


class CorpusError(CitewellError):
    """The corpus folder or its catalog cannot be used."""


class IndexRefusedError(CitewellError):
    """The index folder is foreign, damaged, or made with another model; nothing in it was touched."""


class StoppedError(CitewellError):
    """Nobody wants the result any more, or it took too long."""


class ModelError(CitewellError):
    """The embedding model is missing, or its weights are not the ones that were expected."""

"""Writers of an index in processes of their own, which kill themselves at a step that a test names."""

import os
import signal
import subprocess
import sys

WRITER = """
import os, signal, sys, threading
import numpy as np
import rag.fill, rag.generations, rag.index
from pathlib import Path
from rag.config import Config

class Fake:
    name = fingerprint = "fake"
    model = None
    def count_tokens(self, texts): return [len(text.split()) for text in texts]
    def for_llama_index(self, batch_size): return self
    def get_text_embedding_batch(self, texts):
        return [[float(len(text)), 1.0, sum(map(ord, text)) % 97] for text in texts]

def die(): os.kill(os.getpid(), signal.SIGKILL)

def kill_at(owner, name, when, nth=1):
    inner, calls = getattr(owner, name), []
    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == nth and when == "before": die()
        result = inner(*args, **kwargs)
        if len(calls) == nth and when == "after": die()
        return result
    setattr(owner, name, wrapped)

config = Config(corpus=sys.argv[1], index=sys.argv[2])
if len(sys.argv) > 3: exec(sys.argv[3])
print("ready", flush=True)
report = rag.index.update_index(config, Fake())
print(report.embedded, flush=True)
"""

NAMESPACE = {"__name__": "writer"}
exec(WRITER.split("def die", maxsplit=1)[0].replace("import sys", ""), NAMESPACE)
FAKE = NAMESPACE["Fake"]()


def start_writer(config, hook=""):
    """A writer of the index in a process of its own, after the hook's code."""
    command = [sys.executable, "-c", WRITER, str(config.corpus), str(config.index), hook]
    environment = os.environ | ({"CITEWELL_CHROMA": config.chroma} if config.chroma else {})
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def kill_writer(config, hook):
    """Runs a writer up to where the hook kills it."""
    writer = start_writer(config, hook)
    _, errors = writer.communicate(timeout=120)
    assert writer.returncode == -signal.SIGKILL, errors

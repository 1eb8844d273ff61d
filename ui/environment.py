"""What Gradio reads from the environment: nothing that could open the page further than `ui.serve` does."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache

KEPT = ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR")


def close_environment() -> None:
    """Drops every other `GRADIO_…` variable: they add folders whose files are served, share the page on the internet…

    Gradio reads some when it is imported, others when a page is built or served.
    """
    for name in [name for name in os.environ if name.startswith("GRADIO_") and name not in KEPT]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = make_folder()


@cache
def make_folder() -> str:
    """A folder of this process alone for what visitors upload and take along, deleted when it ends.

    Gradio serves every file of the folder, and by default all its pages of a machine share one.
    """
    folder = os.path.realpath(tempfile.mkdtemp(prefix="citewell-", dir=os.environ.get("GRADIO_TEMP_DIR")))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

"""A real Chroma server on loopback that a test can kill and start again."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


class Server:
    """`chroma run` on a free port; it can be killed and started again on the same data."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        chroma = Path(sys.executable).with_name("chroma")
        command = [chroma, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                if httpx.get(f"{self.address}/api/v2/heartbeat").is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the Chroma server did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

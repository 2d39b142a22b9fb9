"""A hub on this machine: directories served by as much of the hub's API as its client asks for.

Knows HTTP and that API; nothing of corefeel.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHUNK = 1 << 18


@dataclass
class Hub:
    """`repositories` maps an id to its directory; `gated` ids answer 403 to their files.

    `claims` are sizes told instead of the true ones.  `pause` seconds pass before each chunk of a
    file of weights; `requests` are the paths asked for.
    """

    repositories: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    pause: float = 0.0
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def files(self, model: str) -> list[Path]:
        root = self.repositories[model]
        return sorted(path for path in root.rglob("*") if path.is_file())

    def was_asked_for(self, name: str) -> bool:
        return any("/resolve/" in path and path.endswith(name) for path in self.requests)

    def info(self, model: str) -> dict[str, Any]:
        root = self.repositories[model]
        return {
            "id": model,
            "modelId": model,
            "sha": COMMIT,
            "private": False,
            "gated": "manual" if model in self.gated else False,
            "config": json.loads((root / "config.json").read_text()),
            "cardData": self.cards.get(model, {}),
            "siblings": [
                {
                    "rfilename": str(path.relative_to(root)),
                    "size": self.claims.get(path.name, path.stat().st_size),
                    "blobId": blob_of(path),
                }
                for path in self.files(model)
            ],
        }

    def tree(self, model: str) -> list[dict[str, Any]]:
        root = self.repositories[model]
        return [
            {
                "type": "file",
                "path": str(path.relative_to(root)),
                "size": path.stat().st_size,
                "oid": blob_of(path),
            }
            for path in self.files(model)
        ]


@cache
def blob_of(path: Path) -> str:
    """The name a file's content has in the cache."""
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers one request of the hub's client."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(path)
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self.metadata("/".join(parts[2:4]), parts[4:], body)
        else:
            self.file("/".join(parts[:2]), "/".join(parts[4:]), body)

    def metadata(self, model: str, rest: list[str], body: bool) -> None:
        if model not in self.hub.repositories:
            self.refuse(404, "RepoNotFound", body)
        elif rest[:1] == ["auth-check"] and model in self.hub.gated:
            self.refuse(403, "GatedRepo", body)
        elif rest[:1] == ["tree"]:
            self.send(json.dumps(self.hub.tree(model)).encode(), {}, body)
        else:
            self.send(json.dumps(self.hub.info(model)).encode(), {}, body)

    def file(self, model: str, name: str, body: bool) -> None:
        if model not in self.hub.repositories:
            self.refuse(404, "RepoNotFound", body)
        elif model in self.hub.gated:
            self.refuse(403, "GatedRepo", body)
        else:
            path = self.hub.repositories[model] / name
            headers = {"ETag": f'"{blob_of(path)}"', "X-Repo-Commit": COMMIT}
            slow = self.hub.pause if path.suffix == ".safetensors" else 0.0
            self.send(path.read_bytes(), headers, body, slow)

    def send(self, data: bytes, headers: dict[str, str], body: bool, pause: float = 0.0) -> None:
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for at in range(start, len(data) if body else start, CHUNK):
            time.sleep(pause)
            try:
                self.wfile.write(data[at : at + CHUNK])
            except ConnectionError:
                return  # the client was stopped

    def refuse(self, status: int, code: str, body: bool) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let the hub's cache stand in `home`, for this process and its children."""
    from huggingface_hub import constants

    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at `hub.url` while the block runs."""
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()

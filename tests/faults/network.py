"""A second machine's network, by a namespace: a link to it that can be cut without a word."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
import uuid
from urllib.parse import urlsplit

OF_NOBODY = ("198.51.100.0/30", "203.0.113.0/30", "192.0.2.0/30")  # RFC 5737, in documents only


class NoNetwork(Exception):  # noqa: N818 - a reason to skip, not an error
    """Why no namespace can be made here."""


class Elsewhere:
    """A network namespace, and the only link to it."""

    def __init__(self) -> None:
        if shutil.which("ip") is None or os.geteuid() != 0:
            raise NoNetwork("only root may make network namespaces, with iproute2")
        self.here, there, bits = free_addresses()
        mark = uuid.uuid4().hex[:8]
        self._space, self._near, self._far = f"winnow-{mark}", f"wn{mark}", f"wf{mark}"
        try:
            ip("netns", "add", self._space)
            ip("link", "add", self._near, "type", "veth", "peer", "name", self._far)
            ip("link", "set", self._far, "netns", self._space)
            ip("addr", "add", f"{self.here}/{bits}", "dev", self._near)
            ip("-n", self._space, "addr", "add", f"{there}/{bits}", "dev", self._far)
            ip("-n", self._space, "link", "set", "lo", "up")
            ip("-n", self._space, "link", "set", self._far, "up")
            self.mend()
        except subprocess.CalledProcessError as error:
            self.close()
            raise NoNetwork(error.stderr.strip()) from error

    def __enter__(self) -> Elsewhere:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self) -> None:
        """Let no packet through any more; nobody is told."""
        ip("link", "set", self._near, "down")

    def mend(self) -> None:
        """Let packets through again."""
        ip("link", "set", self._near, "up")

    def command(self, *words: object) -> list[str]:
        """Return the command that runs another one there."""
        return ["ip", "netns", "exec", self._space, *map(str, words)]

    def url(self, url: str) -> str:
        """Return a URL of this machine's loopback as it is reached from there."""
        return url.replace(f"@{urlsplit(url).hostname}:", f"@{self.here}:")

    def close(self) -> None:
        """Take the link and the namespace away."""
        for words in (("link", "del", self._near), ("netns", "del", self._space)):
            subprocess.run(["ip", *words], capture_output=True, check=False)


def free_addresses() -> tuple[str, str, int]:
    """Return two addresses of a network that this machine has no part in, and its prefix length."""
    words = ip("-4", "route", "show", "table", "all").split()
    routed = [word for word in words if word[0].isdigit() and "." in word]
    used = [ipaddress.ip_network(word, strict=False) for word in routed if word != "0.0.0.0/0"]
    for text in OF_NOBODY:
        network = ipaddress.ip_network(text)
        if not any(network.overlaps(other) for other in used):
            here, there = map(str, network.hosts())
            return here, there, network.prefixlen
    raise NoNetwork(f"each of {', '.join(OF_NOBODY)} is in use here")


def ip(*words: str) -> str:
    """Run iproute2; return what it says."""
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout

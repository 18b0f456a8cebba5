"""The port of the web processes: what shares it would take some of their requests."""

from __future__ import annotations

import socket

import pytest
from django.core.management import CommandError

from altlas.management.commands import up


def test_a_port_that_somebody_would_share_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "_PORT_SECONDS", 0.0)
    with socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        port = theirs.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.0.1:{port}: Address already in use; set ALTLAS_PORT"):
            up._await_port("127.0.0.1", port)
    up._await_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused_at_once() -> None:
    with pytest.raises(CommandError, match="ALTLAS_HOST"):
        up._await_port("192.0.2.1", 8000)

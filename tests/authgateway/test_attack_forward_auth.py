"""Forward-auth behind a real nginx with the configuration of deploy/: rows 41 and 42 of the attack list."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.db import OperationalError

from authgateway.conf import conf
from authgateway.denylist import gate
from authgateway.models import Family, SecurityEvent
from authgateway.services import issuing
from authgateway.testing import bearer, make_user
from authgateway.tokens import dpop
from tests.authgateway.prover import Prover
from tests.support.stack import free_port
from tests.support.waiting import eventually

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]
IDENTITY = {"x-auth-user-id", "x-auth-user", "x-auth-session", "x-auth-scopes"}


class Application(BaseHTTPRequestHandler):
    """Answers with what has reached it."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        seen = {"method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_OPTIONS = _answer

    def log_message(self, *args: Any) -> None:
        pass


def written(folder: Path, *, altlas: str, application: int, port: int) -> Path:
    """Write deploy/'s configuration with this test's addresses; return the file that nginx starts from."""
    example = (DEPLOY / "nginx" / "altlas.conf").read_text()
    for ours, theirs in {
        "server 127.0.0.1:8000;": f"server {altlas};",
        "server 127.0.0.1:9000;": f"server 127.0.0.1:{application};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port};",
        "    ssl_certificate /etc/ssl/altlas/fullchain.pem;\n": "",
        "    ssl_certificate_key /etc/ssl/altlas/key.pem;\n": "",
        "/etc/nginx/": f"{DEPLOY}/nginx/",
    }.items():
        assert ours in example
        example = example.replace(ours, theirs)
    (folder / "altlas.conf").write_text(example)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}include {folder}/altlas.conf;\n}}\n"
    )
    return main


@pytest.fixture
def proxied(live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of nginx, which guards an application with the live server."""
    monkeypatch.setattr(conf, "trusted_proxies", ("127.0.0.1/32",))
    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=application.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    port = free_port()
    address = live_server.url.removeprefix("http://")
    main = written(tmp_path, altlas=address, application=application.server_port, port=port)
    process = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(main)], stderr=subprocess.PIPE)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:

            def answers() -> bool:
                assert process.poll() is None, (process.stderr.read() if process.stderr else b"").decode()
                try:
                    return client.get("/metrics").status_code == 404
                except httpx.TransportError:
                    return False

            eventually(answers, within=15)
            yield client
    finally:
        process.terminate()
        process.wait(10)
        if process.stderr:
            process.stderr.close()
        application.shutdown()
        application.server_close()
        thread.join()


def seen(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, (answer.status_code, answer.text[:300])
    return answer.json()


def test_attack_41_identity_headers_of_a_client_are_replaced(proxied) -> None:
    ada = make_user("ada", password=None)
    claimed = {
        "X-Auth-User": "root",
        "X-Auth-User-Id": "0",
        "X-Auth-Scopes": "models:operate",
        "X-Auth-Session": "mine",
        "x-auth-user": "root",
        "Remote-User": "root",
        "X-Remote-User": "root",
        "X-Forwarded-User": "root",
        "X-authentik-username": "root",
        "X-authentik-groups": "admins",
        "X-Forwarded-For": "10.0.0.1",
    }
    assert proxied.get("/app/page", headers=claimed).status_code == 401
    reached = seen(proxied.get("/app/page?x=1", headers={**bearer(ada), **claimed}))
    headers = reached["headers"]
    assert reached["path"] == "/app/page?x=1"
    assert headers["x-auth-user"] == "ada"
    assert headers["x-auth-user-id"] == str(ada.pk)
    assert "models:operate" not in headers["x-auth-scopes"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert not {name for name in headers if name.startswith(("remote-", "x-authentik", "x-remote", "x-forwarded-u"))}
    assert "authorization" not in headers
    assert "root" not in str(headers)


def test_attack_41_the_gateway_itself_believes_no_identity_header(proxied) -> None:
    make_user("root", superuser=True, password=None)
    answer = proxied.get("/api/v1/auth/me", headers={"X-Auth-User": "root", "Remote-User": "root"})
    assert answer.status_code == 401


def raw(client: httpx.Client, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Ask for ``path`` byte by byte: other clients tidy it up. Return the status, and the path that arrived."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port or 80, timeout=20)
    try:
        connection.putrequest("GET", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body)["path"] if answer.status == 200 else ""
    finally:
        connection.close()


PATHS = [
    "/app/operate/x",
    "/app//operate/x",
    "/app/./operate/x",
    "/app/x/../operate/x",
    "/app/x/..%2foperate/x",
    "/app/%6fperate/x",
    "/app/operate%2fx",
    "/app/operate/%2e%2e/x",
    "/app/operate%2f..%2fx",
    "/app/operate/..;/x",
    "//app/operate/x",
]


def test_attack_42_the_decision_is_about_the_path_that_is_passed_on(proxied) -> None:
    ordinary = bearer(make_user("ada", password=None))
    operator = bearer(make_user("boss", superuser=True, password=None))
    for path in PATHS:
        assert raw(proxied, path, {})[0] == 401, path
        status, arrived = raw(proxied, path, ordinary)
        assert status == 403 or not arrived.startswith("/app/operate/"), (path, arrived)
        assert "%2" not in arrived and ".." not in arrived.replace("..;", ""), (path, arrived)
        assert raw(proxied, path, operator)[0] == 200, path
    assert raw(proxied, "/app/operate/x", ordinary)[0] == 403
    assert raw(proxied, "/app/x/..%2foperate/x", ordinary)[0] == 403


def test_attack_42_headers_and_methods_open_nothing(proxied) -> None:
    tricks = {
        "X-Original-URI": "/public",
        "X-Forwarded-Uri": "/public",
        "X-Rewrite-URL": "/public",
        "X-Original-URL": "/api/v1/auth/token",
        "X-Forwarded-Method": "OPTIONS",
        "X-HTTP-Method-Override": "OPTIONS",
        "X-Forwarded-For": "127.0.0.1",
    }
    for name, value in tricks.items():
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            assert proxied.request(method, "/app/page", headers={name: value}).status_code == 401, (name, method)


def test_attack_42_the_question_cannot_be_asked_from_outside(proxied) -> None:
    assert proxied.get("/_altlas/verify").status_code == 404
    assert proxied.get("/_altlas/outage").status_code == 404


def test_a_refusal_carries_the_challenge(proxied) -> None:
    answer = proxied.get("/app/page", headers={"Authorization": "Bearer a.b.c"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_outage_is_a_refusal_not_an_error(proxied, monkeypatch) -> None:
    ada = make_user("ada", password=None)
    headers = bearer(ada)
    assert proxied.get("/app/page", headers=headers).status_code == 200

    def away(claims: Any) -> Any:
        raise OperationalError("the database is away")

    monkeypatch.setattr(gate, "_holder", away)
    assert proxied.get("/app/page", headers=headers).status_code == 403


def test_a_gateway_that_is_gone_is_a_refusal_too(tmp_path) -> None:
    port = free_port()
    main = written(tmp_path, altlas=f"127.0.0.1:{free_port()}", application=free_port(), port=port)
    process = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(main)], stderr=subprocess.DEVNULL)
    try:

        def answer() -> int:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/app/page").status_code
            except httpx.TransportError:
                return 0

        assert eventually(answer, within=15) == 403
    finally:
        process.terminate()
        process.wait(10)


def test_a_proof_is_for_the_address_that_the_client_asked(proxied) -> None:
    """Bound tokens work through the proxy: the proof names the outer address, the token stays bound."""
    ada, prover = make_user("ada", password=None), Prover()
    bearer(ada)  # makes a session
    family = Family.objects.get(user=ada)
    target = dpop.Target(method="GET", url="http://testserver/x")
    family.jkt = dpop.verify(prover.proof("GET", "/x"), target=target, now=time.time(), window=60).jkt
    family.save()
    token = issuing.sign(issuing.claims_for(family, ada))
    outer = str(proxied.base_url).rstrip("/")

    def ask(about: str) -> int:
        proof = prover.proof("GET", about, access=token, htu=outer + about)
        return proxied.get("/app/page", headers={"Authorization": f"DPoP {token}", "DPoP": proof}).status_code

    assert ask("/app/page") == 200
    assert ask("/app/other") == 401
    assert proxied.get("/app/page", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_forwarding_headers_of_strangers_do_not_move_a_proofs_target(live_server, monkeypatch) -> None:
    monkeypatch.setattr(conf, "trusted_proxies", ())
    ada = make_user("ada", password=None)
    httpx.get(
        f"{live_server.url}/api/v1/auth/verify",
        headers={**bearer(ada), "X-Forwarded-Uri": "/x", "X-Forwarded-For": "10.0.0.1"},
    )
    assert not SecurityEvent.objects.filter(address="10.0.0.1").exists()


def test_the_traefik_example_sets_and_strips_the_same_headers() -> None:
    http = yaml.safe_load((DEPLOY / "traefik" / "dynamic.yml").read_text())["http"]
    for name in ("altlas-auth", "altlas-auth-operate"):
        ask = http["middlewares"][name]["forwardAuth"]
        assert {header.lower() for header in ask["authResponseHeaders"]} == IDENTITY
        assert ask["trustForwardHeader"] is False
    assert http["middlewares"]["altlas-auth-operate"]["forwardAuth"]["address"].endswith("?scope=models:operate")
    stripped = {name.lower() for name in http["middlewares"]["altlas-strip"]["headers"]["customRequestHeaders"]}
    assert stripped >= IDENTITY
    for router in ("application", "operate"):
        assert http["routers"][router]["middlewares"][0] == "altlas-strip"
        assert http["routers"][router]["middlewares"][1].startswith("altlas-auth")

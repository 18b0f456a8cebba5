from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from altlas.kernel.clock import now
from altlas.kernel.errors import AltlasError
from authgateway.models import Family, ServiceClient, SigningKey, User
from authgateway.services.machines import service_client_create, service_client_revoke
from authgateway.services.purge import purge
from authgateway.services.sessions import user_sessions_end
from authgateway.services.signing_keys import signing_key_kill, signing_keys_rotate


class Command(BaseCommand):
    help = "Operate the auth gateway."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("rotate-keys", help="Let the pending key sign; the present one verifies until it is done.")
        kill = verbs.add_parser("kill-key", help="Refuse a compromised key everywhere within seconds.")
        kill.add_argument("kid")
        kill.add_argument("--reason", default="command")
        revoke = verbs.add_parser("revoke", help="End all sessions of a user, or of everybody.")
        who = revoke.add_mutually_exclusive_group(required=True)
        who.add_argument("--user")
        who.add_argument("--everybody", action="store_true")
        client = verbs.add_parser("client-add", help="Make a service client; its secret is printed once.")
        client.add_argument("name")
        client.add_argument("--scope", required=True, help="scopes, separated by spaces")
        client.add_argument("--days", type=int, help="until it expires; never when left out")
        gone = verbs.add_parser("client-revoke", help="Refuse a service client and its access tokens.")
        gone.add_argument("name")
        verbs.add_parser("purge", help="Delete what has expired, in small batches.")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = getattr(self, options["verb"].replace("-", "_"))
        try:
            verb(**options)
        except AltlasError as exc:
            raise CommandError(exc.detail) from exc

    def rotate_keys(self, **_: Any) -> None:
        self.stdout.write(f"signs now: {signing_keys_rotate().kid}")

    def kill_key(self, *, kid: str, reason: str, **_: Any) -> None:
        try:
            signing_key_kill(kid=kid, reason=reason)
        except SigningKey.DoesNotExist:
            raise CommandError(f"no key {kid}") from None
        self.stdout.write(f"refused from now on: {kid}")

    def revoke(self, *, user: str | None, everybody: bool, **_: Any) -> None:
        users = User.objects.all() if everybody else User.objects.filter(username=user)
        if not everybody and not users:
            raise CommandError(f"no user {user}")
        ended = sum(user_sessions_end(user=found, reason=Family.Reason.OPERATOR) for found in users.iterator())
        self.stdout.write(f"sessions ended: {ended}")

    def client_add(self, *, name: str, scope: str, days: int | None, **_: Any) -> None:
        expires_at = None if days is None else now() + timedelta(days=days)
        client, secret = service_client_create(name=name, scopes=frozenset(scope.split()), expires_at=expires_at)
        self.stdout.write(f"client_id: {client.pk}")
        self.stdout.write(f"client_secret: {secret}")

    def client_revoke(self, *, name: str, **_: Any) -> None:
        client = ServiceClient.objects.select_related("user").filter(name=name).first()
        if client is None:
            raise CommandError(f"no service client {name}")
        service_client_revoke(client=client)
        self.stdout.write(f"refused from now on: {name}")

    def purge(self, **_: Any) -> None:
        for what, count in purge().items():
            self.stdout.write(f"{what}: {count}")

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from json import dumps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from altlas.kernel.clock import now
from altlas.kernel.errors import AltlasError
from authgateway.audit import verdicts
from authgateway.audit.report import markdown
from authgateway.audit.weak import weakened
from authgateway.models import Family, ServiceClient, SigningKey, User
from authgateway.services.machines import service_client_create, service_client_revoke
from authgateway.services.purge import purge
from authgateway.services.sessions import user_sessions_end
from authgateway.services.signing_keys import signing_key_kill, signing_keys_rotate

_REPORTS = settings.BASE_DIR / "docs" / "reports"
_RESULTS = _REPORTS / "api-089-tests.json"
_MEASURED = _REPORTS / "api-089.json"
_MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Operate the auth gateway."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        audit = verbs.add_parser("audit", help="Hold settings and test results against ASVS 5.0, RFC 9700, RFC 8725.")
        audit.add_argument("--weak", action="store_true", help="look at a deliberately weak configuration: must fail")
        audit.add_argument("--json", action="store_true", help="print the matrix as JSON")
        audit.add_argument(
            "--results", type=Path, nargs="+", help="JUnit files of tests/authgateway: keep them as the last result"
        )
        audit.add_argument("--report", type=Path, help="write the security analysis report to this file")
        verbs.add_parser("rotate-keys", help="Let the pending key sign; the present one verifies until it is done.")
        kill = verbs.add_parser("kill-key", help="Refuse a compromised key everywhere within seconds.")
        kill.add_argument("kid", help="after ` -- ` where an older key's begins with a dash")
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

    def audit(self, *, weak: bool, json: bool, results: list[Path] | None, report: Path | None, **_: Any) -> None:
        if results is not None:
            self._keep(results)
        last = verdicts.load(_RESULTS)
        found = verdicts.audit(last)
        with weakened():
            weakly = verdicts.audit(last)
        if report is not None:
            text = markdown(found, weak=weakly, results=last, measured=verdicts.load(_MEASURED))
            report.write_text(text, encoding="utf-8")
            self.stdout.write(f"written: {report}")
        shown = weakly if weak else found
        if json:
            self.stdout.write(dumps(verdicts.as_rows(shown), ensure_ascii=False, indent=2))
        else:
            for verdict in shown:
                row = verdict.row
                self.stdout.write(
                    f"{verdict.state:5}  {row.standard} {row.id:8} {row.requirement} [{verdict.setting}] {verdict.test}"
                )
        failing = sum(verdict.state == "fails" for verdict in shown)
        if failing:
            raise CommandError(f"{failing} of {len(shown)} requirements fail")

    def _keep(self, results: list[Path]) -> None:
        try:
            kept = verdicts.merged([verdicts.from_junit(path) for path in results])
        except (OSError, ValueError) as exc:
            raise CommandError(str(exc)) from None
        _RESULTS.write_text(dumps(kept, indent=1) + "\n", encoding="utf-8")

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
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise CommandError(f"--days is from 1 to {_MOST_DAYS}; leave it out for never.")
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

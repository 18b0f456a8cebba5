"""The same refresh token, presented by many clients at the same moment: one successor, one session, no fork."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from altlas.kernel.verification import (
    Account,
    Inconclusive,
    Load,
    Outcome,
    Probe,
    Series,
    Threshold,
    Verification,
    register,
)
from altlas.kernel.verification.door import Door, Reply
from altlas.kernel.verification.figures import quantile
from altlas.kernel.verification.sabotage import replaced
from authgateway.models import RefreshToken
from authgateway.services import rotation
from authgateway.tokens import refresh

_REFRESH = "/api/v1/auth/token/refresh"


def run(probe: Probe) -> Outcome:
    rounds, clients = probe.parameters["rounds"], probe.parameters["clients"]
    forks = lost = replayed = links = 0
    unexpected: list[str] = []
    seconds: list[float] = []
    with probe.account() as account, Door(probe.url) as door:
        for number in range(rounds):
            probe.progress(number / rounds, f"round {number + 1} of {rounds}")
            token = _session(door, account)
            answers = _together(probe.url, token, clients)
            seconds += [answer.seconds for answer in answers]
            successors = {answer.body["refresh"] for answer in answers if answer.ok}
            unexpected += [f"{a.status} {a.code or a.error}" for a in answers if not a.ok and a.status != 409]
            forks += len(successors) > 1
            links += _links(token) != 2
            following = _follow(door, successors)
            lost += following is None
            # The successor has been used: whoever presents the first token now has stolen it.
            replay = door.post(_REFRESH, {"refresh": token})
            replayed += replay.status != 401
    return Outcome(
        metrics={
            "forked_sessions": float(forks),
            "lost_sessions": float(lost),
            "replays_accepted": float(replayed),
            "rows_beside_the_chain": float(links),
            "unexpected_answers": float(len(unexpected)),
            "races": float(rounds),
            "p50_s": quantile(seconds, 0.5),
            "p99_s": quantile(seconds, 0.99),
        },
        series=[
            Series(
                name="seconds to answer, sorted",
                x="% of requests",
                y="s",
                points=[(float(share), quantile(seconds, share / 100)) for share in range(0, 101, 4)],
            )
        ],
        notes=sorted(set(unexpected))[:10],
    )


def _session(door: Door, account: Account) -> str:
    reply = door.log_in(account)
    if not reply.ok:
        raise Inconclusive(f"the verification's account could not log in: {reply.status} {reply.code or reply.error}")
    return str(reply.body["refresh"])


def _together(url: str, token: str, clients: int) -> list[Reply]:
    barrier = threading.Barrier(clients)
    answers: list[Reply] = []

    def client() -> None:
        with Door(url) as door:
            door.get("/livez")  # the connection is there before the race begins
            barrier.wait(30)
            answers.append(door.post(_REFRESH, {"refresh": token}))

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return answers


def _links(token: str) -> int:
    """Return how many refresh tokens the session of ``token`` has: itself and one successor."""
    return RefreshToken.objects.filter(family__tokens__token_hash=refresh.digest(token)).count()


def _follow(door: Door, successors: set[str]) -> Any:
    for successor in successors:
        reply = door.post(_REFRESH, {"refresh": successor})
        if reply.ok:
            return reply.body
    return None


@contextmanager
def sabotage() -> Iterator[None]:
    with replaced(rotation, "judge", lambda *_args, **_kwargs: rotation.Verdict.RETRY):
        yield


RACES = register(
    Verification(
        name="authgateway.races",
        title="Parallel refreshes give one successor; a replay ends the session",
        rows=("3.3.4", "3.4.4"),
        parameters={
            Load.LOW: {"rounds": 4, "clients": 6},
            Load.MID: {"rounds": 15, "clients": 12},
            Load.HIGH: {"rounds": 60, "clients": 24},
        },
        thresholds=(
            Threshold(metric="forked_sessions", sign="<=", limit=0),
            Threshold(metric="lost_sessions", sign="<=", limit=0),
            Threshold(metric="replays_accepted", sign="<=", limit=0),
            Threshold(metric="rows_beside_the_chain", sign="<=", limit=0),
            Threshold(metric="unexpected_answers", sign="<=", limit=0),
            Threshold(metric="p99_s", sign="<=", limit=5.0, unit=" s"),
        ),
        run=run,
        sabotage=sabotage,
        fault="a used refresh token is always taken for a retry",
    )
)

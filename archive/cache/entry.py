"""One cached answer and the rule by which it is made anew. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgpack

_MEMBERS = [bytes, float, float, str, str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """An answer ready to send."""

    body: bytes
    etag: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """``delta`` is how many seconds the answer took to make; ``expires`` is in seconds since 1970."""

    generation: bytes
    expires: float
    delta: float
    answer: Rendered

    def pack(self) -> bytes:
        answer = self.answer
        packed: bytes = msgpack.packb(
            [self.generation, self.expires, self.delta, answer.etag, answer.link, answer.body], use_bin_type=True
        )
        return packed

    @classmethod
    def unpack(cls, raw: bytes) -> Entry | None:
        """Return the entry, or None when ``raw`` is not one (another version of the program wrote it)."""
        try:
            members = msgpack.unpackb(raw, raw=False)
        except (ValueError, TypeError, msgpack.UnpackException):
            return None
        # Six letters, six bytes or six keys would be six members too.
        if not isinstance(members, list) or [type(member) for member in members] != _MEMBERS:
            return None
        generation, expires, delta, etag, link, body = members
        answer = Rendered(body=body, etag=etag, link=link)
        return cls(generation=generation, expires=expires, delta=delta, answer=answer)

    def due(self, *, now: float, dice: float, beta: float = 1.0) -> bool:
        """Whether this reader makes it anew, ``dice`` being uniform in (0, 1].

        XFetch (Vattani, Chierichetti and Lowenstein, VLDB 2015): the nearer the expiry and the dearer the answer, the
        likelier; so about one reader refreshes early, and none finds it expired.
        """
        return now - self.delta * beta * math.log(dice) >= self.expires


def lifetime(ttl: float, *, dice: float) -> float:
    """Return ``ttl`` give or take a tenth, so that what was stored together does not expire together."""
    return ttl * (0.9 + 0.2 * dice)

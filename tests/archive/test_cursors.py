from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import cursors
from archive.cursors import Position
from archive.exceptions import InvalidCursor

KEY, OTHER = cursors.signing_key("one secret"), cursors.signing_key("another secret")
BINDING = cursors.binding("owner", "filters", "order")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

key_values = st.one_of(
    st.none(),
    st.uuids(),
    st.floats(allow_nan=False),
    st.text(max_size=300),
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
)


def sealed(position: Position) -> str:
    return cursors.encode(position, key=KEY, binding=BINDING, expires=LATER)


def opened(text: str, *, binding: bytes = BINDING, now: datetime = NOW) -> Position:
    return cursors.decode(text, keys=[KEY], binding=binding, now=now)


SOME = Position(keys=(NOW, uuid4()))


@given(keys=st.lists(key_values, min_size=1, max_size=4), backward=st.booleans(), inclusive=st.booleans())
def test_a_cursor_gives_back_exactly_what_it_was_made_of(
    keys: list[cursors.Key], backward: bool, inclusive: bool
) -> None:
    position = Position(keys=tuple(keys), backward=backward, inclusive=inclusive)
    assert opened(sealed(position)) == position


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        opened(sealed(SOME), binding=cursors.binding("another owner", "filters", "order"))


def test_a_cursor_expires() -> None:
    assert opened(sealed(SOME), now=LATER - timedelta(seconds=1)) == SOME
    with pytest.raises(InvalidCursor):
        opened(sealed(SOME), now=LATER)


def test_a_cursor_signed_before_the_key_was_changed_is_still_taken() -> None:
    assert cursors.decode(sealed(SOME), keys=[OTHER, KEY], binding=BINDING, now=NOW) == SOME


def test_every_change_of_one_character_is_refused() -> None:
    text = sealed(SOME)
    for place in range(len(text)):
        for character in "A_z9-":
            changed = text[:place] + character + text[place + 1 :]
            if changed != text:
                with pytest.raises(InvalidCursor):
                    opened(changed)


def test_fuzzed_cursors_are_refused_and_nothing_else() -> None:
    dice = random.Random(7)
    good = base64.urlsafe_b64decode(sealed(SOME) + "==")
    for _ in range(20_000):
        raw = bytearray(good if dice.random() < 0.5 else dice.randbytes(dice.randrange(120)))
        for _ in range(dice.randrange(1, 4)):
            if raw:
                raw[dice.randrange(len(raw))] = dice.randrange(256)
        if bytes(raw) == good:
            continue
        text = base64.urlsafe_b64encode(bytes(raw)).decode()
        for candidate in (text, text.rstrip("="), text[: dice.randrange(len(text) + 1)]):
            with pytest.raises(InvalidCursor):
                opened(candidate)


@given(text=st.text(max_size=80))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        opened(text)

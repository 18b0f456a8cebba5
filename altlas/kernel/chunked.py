"""Request bodies that come in chunks, with no length said before (RFC 9112, section 7.1).

WSGI knows bodies by their length alone: without one, Django and DRF take the body for empty, and a request to unload
one version of a model would unload all. The server has undone the chunks already, so the stream ends where the body
does; what is missing is a bound. It is given the largest length that is allowed, and reading beyond that is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ChunkedBodies:
    """WSGI middleware; leaves every request that says its length as it is."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
            most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            environ["CONTENT_LENGTH"] = str(most)
            environ["wsgi.input"] = _Bounded(environ["wsgi.input"], most)
        return self._application(environ, start_response)


class _Bounded:
    """As much of ``stream`` as is allowed.

    Django reads with sizes that never exceed the length that was said, so one byte more is looked for at the end.
    """

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._left = most

    def read(self, size: int = -1) -> bytes:
        """Raise RequestDataTooBig when there is more than is allowed."""
        return self._taken(self._stream.read(self._left if size < 0 else min(size, self._left)))

    def readline(self, size: int = -1) -> bytes:
        """As ``read``, up to the end of a line."""
        return self._taken(self._stream.readline(self._left if size < 0 else min(size, self._left)))

    def _taken(self, found: bytes) -> bytes:
        self._left -= len(found)
        if found and not self._left and self._stream.read(1):
            raise RequestDataTooBig(f"The request's body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
        return found

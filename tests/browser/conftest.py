"""A real Chromium on a running installation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.conftest import ARTIFACTS
from tests.support.stack import ADMIN, Stack

_CHROMIUM = shutil.which("chromium")
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A page is there within a second, and on a busy machine within many.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield running
        running.close()


@dataclass
class Visit:
    """A logged-in page that remembers what went wrong on it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)
        self.page.on(
            "response",
            lambda answer: self.complaints.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
        )

    def open(self, path: str, *, picture: str = "") -> None:
        answer = self.page.goto(self.base + path)
        assert answer is not None and answer.ok, f"{path}: {answer and answer.status}"
        if picture:
            self.picture(picture)

    def picture(self, name: str) -> None:
        folder = ARTIFACTS / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.foreign.append(request.url)


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    visit = Visit(page=context.new_page(), base=stack.url)
    visit.watch()
    log_in(visit)
    yield visit
    context.close()
    assert not visit.complaints, visit.complaints
    assert not visit.foreign, f"left the host: {visit.foreign}"


def log_in(visit: Visit) -> None:
    visit.open("/admin/login/?next=/admin/")
    visit.page.get_by_label("Username").fill(ADMIN[0])
    visit.page.get_by_label("Password").fill(ADMIN[1])
    visit.page.get_by_role("button", name="Log in").click()
    visit.page.wait_for_url(visit.base + "/admin/")

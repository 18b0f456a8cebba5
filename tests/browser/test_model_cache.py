"""The script of the live page alone, on answers that are made up here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.stack import ROOT

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "orchestrator/static/orchestrator/cache.js"
PAGE = """<!doctype html><html lang="en"><body>
<section id="model-cache" data-source="/data" data-history="/history" data-order="/order" data-operate="1">
<input type="hidden" name="csrfmiddlewaretoken" value="t"><p class="cache-told"></p><div class="cache-nodes"></div>
<p class="cache-asof"><time></time></p></section>
<script type="application/json" id="cache-initial">[]</script>
<script type="application/json" id="cache-words">{}</script><script src="/cache.js"></script></body></html>"""
REPLICA = {
    "model": "drill", "version": "1", "runtime": "torch", "state": "ready", "bytes": 1, "leases": 0, "in_flight": 0,
    "uses": 0, "last_used": None, "age_seconds": None, "load_seconds": None, "pid": 1, "pinned": False, "reason": "",
}  # fmt: skip
NODE = {
    "name": "here", "budget_bytes": 100, "used_bytes": 1, "high_watermark": 0.9, "low_watermark": 0.8, "hits": 0,
    "misses": 0, "waiting": 0, "draining": False, "shedding": False, "replicas": [REPLICA], "failures": [],
}  # fmt: skip


@dataclass
class Live:
    """The page, and what the server would answer."""

    page: Page
    nodes: list[dict[str, Any]] = field(default_factory=lambda: [NODE])
    samples: list[dict[str, Any]] = field(default_factory=list)
    ordered: dict[str, Any] = field(default_factory=lambda: {"json": {"detail": "Done."}})

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix("http://altlas.test")
        answers: dict[str, dict[str, Any]] = {
            "/": {"body": PAGE, "content_type": "text/html"},
            "/cache.js": {"path": SCRIPT, "content_type": "text/javascript"},
            "/data": {"json": {"nodes": self.nodes}},
            "/history": {"json": {"now": time.time(), "nodes": {"here": self.samples}}},
            "/order": self.ordered,
        }
        route.fulfill(**answers.get(path, {"status": 404}))

    def open(self) -> None:
        self.page.goto("http://altlas.test/")
        expect(self.page.locator("tr", has_text="drill:1")).to_be_visible()


@pytest.fixture
def live(browser: Browser) -> Iterator[Live]:
    context = browser.new_context()
    found = Live(context.new_page())
    found.page.route("**/*", found.answer)
    yield found
    context.close()


def test_the_page_goes_on_after_a_question_that_was_dismissed(live: Live) -> None:
    live.open()
    live.page.once("dialog", lambda dialog: dialog.dismiss())
    live.page.get_by_role("button", name="unload").click()
    live.nodes = [{**NODE, "replicas": [{**REPLICA, "state": "draining"}]}]
    expect(live.page.locator(".cache-state")).to_have_text("draining", timeout=10_000)


def test_an_answer_that_is_no_json_is_told_by_its_status(live: Live) -> None:
    live.ordered = {"status": 504, "body": "<html>Gateway Time-out</html>", "content_type": "text/html"}
    live.open()
    live.page.get_by_role("button", name="recycle").click()
    told = live.page.locator(".cache-told")
    expect(told).to_have_text("504 Gateway Timeout")
    expect(told).to_have_attribute("data-bad", "1")


def test_the_charts_are_of_the_last_hour_with_gaps_and_an_hour_without_a_load_says_so(live: Live) -> None:
    now = time.time()
    live.samples = [{"at": now - age, "used": 2**20, "loads": 3} for age in (1810, 1800, 900, 890, 10, 0)]
    live.open()
    loads = live.page.locator(".cache-chart", has_text="Loads per 10 s")
    expect(loads).to_contain_text("0 (most 0)")
    lines = loads.locator("polyline")
    expect(lines).to_have_count(3)
    places = [float(line.get_attribute("points").split(",")[0]) for line in lines.all()]  # type: ignore[union-attr]
    assert places == pytest.approx([179, 270, 359], abs=5)
    live.page.add_style_tag(content="svg { width: 900px; height: 60px; }")
    right = "found => found.getBoundingClientRect().right"
    assert lines.last.evaluate(right) == pytest.approx(loads.locator("svg").evaluate(right), abs=4), "now, at the edge"

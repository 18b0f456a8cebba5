"""Coordination in a real browser: a verification is watched, the board fits a phone, the report stands alone."""

from __future__ import annotations

from importlib import resources

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def serious_faults(visit: Visit) -> list[str]:
    visit.page.evaluate(AXE)
    found = visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {node['html'][:160]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def start(visit: Visit, what: str, *, load: str = "low") -> None:
    visit.open(f"/admin/coordination/verificationrun/start?what={what}")
    visit.page.locator("select[name=load]").select_option(load)
    visit.page.get_by_role("button", name="Run", exact=True).click()
    visit.page.wait_for_url("**/verificationrun/batch/*")


def test_a_verification_is_started_and_watched_until_its_result_without_a_reload(visit: Visit) -> None:
    start(visit, "segmentation.soak")  # takes seconds: there is something to watch
    visit.page.evaluate("window.stayed = true")
    run = visit.page.locator(".co-run")
    expect(run).to_have_attribute("data-status", "running", timeout=60_000)
    expect(run.locator('[data-field="stage"]')).not_to_be_empty(timeout=30_000)
    visit.picture("verification-running")
    expect(run).to_have_attribute("data-status", "passed", timeout=120_000)
    expect(run.locator("svg.plot")).to_be_visible(timeout=15_000)
    expect(run.locator("table")).to_contain_text("growth_kb_per_request")
    assert visit.page.evaluate("window.stayed") is True
    assert serious_faults(visit) == []
    visit.picture("verification-passed")


def test_a_running_verification_is_cancelled(visit: Visit) -> None:
    start(visit, "segmentation.soak", load="mid")  # takes a minute: it is not over before it is cancelled
    run = visit.page.locator(".co-run")
    expect(run).to_have_attribute("data-status", "running", timeout=60_000)
    run.get_by_role("button", name="Cancel").click()
    expect(run).to_have_attribute("data-status", "cancelled", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_fits_a_phone_and_leads_to_an_item(visit: Visit, scheme: str) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit.open("/admin/coordination/workitem/board", picture=f"board-phone-{scheme}")
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} px wide"
    assert serious_faults(visit) == []
    visit.page.get_by_role("link", name="2.3.4", exact=True).click()
    expect(visit.page.get_by_role("heading", name="Evidence")).to_be_visible()
    assert serious_faults(visit) == []


def test_the_daily_summary_and_a_rollout_are_readable(visit: Visit, stack: Stack) -> None:
    assert stack.manage("daily").returncode == 0
    stack.manage("rollout", "plan", "browser")
    visit.open("/admin/coordination/dailysummary/")
    visit.page.locator("#result_list tbody a").first.click()
    expect(visit.page.get_by_role("heading", name="Key figures")).to_be_visible()
    visit.picture("daily")
    assert serious_faults(visit) == []
    visit.open("/admin/coordination/rollout/")
    visit.page.get_by_role("link", name="browser").first.click()
    expect(visit.page.get_by_text("Way back").first).to_be_visible()
    visit.picture("rollout")
    assert serious_faults(visit) == []


def test_the_final_report_needs_nothing_from_elsewhere(visit: Visit) -> None:
    visit.open("/admin/coordination/workitem/report", picture="final-report")
    expect(visit.page.get_by_role("heading", name="Is it really fixed?")).to_be_visible()
    assert visit.page.locator("link[rel=stylesheet], script, img").count() == 0
    assert serious_faults(visit) == []

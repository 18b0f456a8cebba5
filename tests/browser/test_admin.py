"""The admin as an operator sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]

SERVICES = ("segmentation", "archive", "authgateway", "orchestrator")


def some_work(stack: Stack) -> str:
    """Leave a run, a record, a loaded model and an ended session behind; return the record's id."""
    with stack.logged_in() as client:
        body = {"text": "Dr. Ayşe geldi. Sonra gitti! 😀 Yarın 3. gün.", "strategy": "topic"}
        answer = client.post("/api/v1/segmentations", json=body, headers={"Prefer": "wait=60"})
        assert answer.status_code == 201, answer.text
        assert client.post("/api/v1/auth/logout", json={}).status_code in (200, 204, 205)
    return str(answer.json()["record_id"])


def test_the_landing_page_shows_the_state_of_the_four_services(visit: Visit, stack: Stack) -> None:
    some_work(stack)
    visit.open("/admin/", picture="landing")
    for name in SERVICES:
        card = visit.page.locator(f'[data-card="{name}"]')
        expect(card).to_be_visible()
        assert card.get_attribute("data-state") in ("ok", "warning"), card.inner_text()
    before = visit.page.locator('[data-card="authgateway"] [data-field="headline"]').inner_text()
    with stack.logged_in():
        # Live without a reload: the new session appears by itself.
        expect(visit.page.locator('[data-card="authgateway"] [data-field="headline"]')).not_to_have_text(
            before, timeout=15_000
        )


def test_every_page_of_the_menu_opens(visit: Visit, stack: Stack) -> None:
    some_work(stack)
    visit.open("/admin/")
    links = visit.page.eval_on_selector_all(
        "#content a[href], #nav-sidebar a[href]", "anchors => anchors.map(a => new URL(a.href).pathname)"
    )
    pages = sorted({link for link in links if link.startswith("/admin/") and "logout" not in link})
    assert len(pages) > 10, pages
    for path in pages:
        visit.open(path, picture="page" + path.replace("/", "-").rstrip("-"))


def test_a_loaded_model_is_seen_with_memory_and_last_use(visit: Visit, stack: Stack) -> None:
    some_work(stack)
    visit.open("/admin/")
    visit.page.get_by_role("link", name="Model cache").first.click()
    row = visit.page.locator("tr", has_text="all-minilm-l6-v2").first
    expect(row).to_be_visible(timeout=15_000)
    expect(row).to_contain_text("ready")
    expect(row).to_contain_text("MB")
    visit.picture("model-cache")


def test_engine_owned_tables_cannot_be_edited(visit: Visit, stack: Stack) -> None:
    some_work(stack)
    for path in ("authgateway/family", "authgateway/refreshtoken", "authgateway/denial", "archive/record"):
        visit.open(f"/admin/{path}/")
        assert visit.page.locator(f"a[href$='/{path}/add/']").count() == 0, path


def test_the_landing_page_fits_a_phone_and_the_dark(visit: Visit, stack: Stack) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.emulate_media(color_scheme="dark")
    visit.open("/admin/", picture="landing-phone-dark")
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} px wide"


def test_the_api_pages_need_nothing_from_elsewhere(visit: Visit) -> None:
    visit.open("/api/docs/")
    expect(visit.page.get_by_text("ALT_LAS").first).to_be_visible(timeout=15_000)
    visit.picture("api-docs")

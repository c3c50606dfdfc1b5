"""The studio in a real browser (Chromium by Playwright): nothing on its console, nothing asked of another host."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.api.conftest import listening

from impasto.app import Options, open_app

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium"),
]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real thing, with Mini."""
    with open_app(Options(data=tmp_path_factory.mktemp("studio"))) as app, listening(app) as port:
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    # after the application: Playwright leaves an event loop running in this thread, in which DBOS will not start
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh visitor's page. Whatever it prints, or asks of another host, fails the test."""
    context = browser.new_context(base_url=address, **getattr(request, "param", {}))
    opened = context.new_page()
    wrong: list[str] = []
    # a refusal is a 422, which Chromium itself tells the console of
    opened.on("console", lambda message: "status of 422" in message.text or wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda asked: asked.url.startswith((address, "data:", "blob:")) or wrong.append(asked.url))
    opened.goto("/")
    yield opened
    context.close()
    assert wrong == []


def until(page: Page, expression: str) -> None:
    """Waits until it is true: asked from outside, as the page's own policy forbids to evaluate anything inside."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {expression}")


def draw(page: Page, words: str) -> None:
    before = page.locator(".job").count()
    page.fill("#words", words)
    page.locator("#words").press("Control+Enter")
    until(page, f"document.querySelectorAll('.job').length == {before + 1}")
    until(page, "!document.querySelector('.job [hx-delete]')")


def file_of(page: Page, link: str) -> np.ndarray:
    content = page.request.get(link).body()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).astype(int)


def test_words_become_pictures_by_keyboard_alone_and_stay_when_the_page_is_reloaded(page: Page) -> None:
    draw(page, "a red fox")
    assert page.locator(".job").first.locator(".slots a.picture img").count() == 4
    page.reload()
    assert page.locator(".job h2").first.inner_text() == "a red fox"


@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 844}, "has_touch": True}], indirect=True)
def test_a_phone_shows_it_without_scrolling_sideways(page: Page) -> None:
    draw(page, "a cat")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_refused_says_why_beside_the_words(page: Page) -> None:
    page.fill("#words", "a nude woman")
    page.click("#draw")
    page.wait_for_selector("#composer-error:not(:empty)")
    assert "explicit" in page.inner_text("#composer-error")
    assert "nothing was charged" in page.inner_text("#composer-error")
    assert page.input_value("#words") == "a nude woman"


def test_only_what_was_painted_over_changes(page: Page) -> None:
    draw(page, "a red apple")
    page.locator(".slots a.picture").first.click()
    start = page.locator(".large img").get_attribute("src")
    page.get_by_role("link", name="Edit").click()
    page.wait_for_selector("#board:not([hidden])")
    box = page.locator("#board canvas").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.25 * box["height"], steps=6)
    page.mouse.up()
    until(page, "document.querySelector('[name=mask]').files.length == 1")
    draw(page, "a blue hat")
    made = page.locator(".job").first.locator(".slots a.picture img").first.get_attribute("src")
    changed = np.abs(file_of(page, made) - file_of(page, start)).max(axis=-1) > 0
    assert changed[:128].any()
    assert not changed[144:].any(), "the lower half was not painted over"


def test_paint_is_undone_redone_cleared_and_inverted(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "orange").save(tmp_path / "own.png")
    page.click(".more summary")
    page.set_input_files("[name=init]", tmp_path / "own.png")
    page.wait_for_selector("#board:not([hidden])")
    masks = "document.querySelector('[name=mask]').files.length"
    page.click("#board canvas")
    until(page, f"{masks} == 1")
    page.locator("#board canvas").press("Control+z")
    until(page, f"{masks} == 0")
    page.locator("#board canvas").press("Control+Shift+Z")
    until(page, f"{masks} == 1")
    page.click("[data-act=clear]")
    until(page, f"{masks} == 0")
    page.click("[data-act=all]")
    until(page, f"{masks} == 1")
    page.click("[data-act=away]")
    page.wait_for_selector("#board", state="hidden")
    assert page.evaluate("document.querySelector('[name=init]').files.length") == 0


@pytest.mark.parametrize("page", [{"locale": "zh-CN"}], indirect=True)
def test_it_speaks_chinese_to_who_does(page: Page) -> None:
    assert page.inner_text("#draw").startswith("画")


def test_a_picture_that_is_dropped_is_told_by_whom_it_was_made(page: Page, tmp_path: Path) -> None:
    draw(page, "a red apple")
    made = page.locator(".job").first.locator(".slots a.picture img").first.get_attribute("src")
    (tmp_path / "made.png").write_bytes(page.request.get(made).body())
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    page.goto("/read")
    page.set_input_files("[name=file]", tmp_path / "made.png")
    page.wait_for_selector(".found h2")
    assert page.inner_text(".found h2") == "A machine made this picture, or part of it."
    assert "mini" in page.inner_text(".findings")
    page.set_input_files("[name=file]", tmp_path / "plain.png")
    page.wait_for_selector(".found h2:text('Nothing in this file')")
    assert "photograph" in page.inner_text(".found .hint")


def test_the_language_can_be_changed_and_stays(page: Page) -> None:
    page.select_option("#language", "zh")
    page.wait_for_selector("html[lang=zh]")
    page.goto("/pictures")
    assert page.get_attribute("html", "lang") == "zh"
    page.select_option("#language", "en")
    page.wait_for_selector("html[lang=en]")

"""Looks at the built site in a real Chromium; run by path, with Playwright.

    python site_browser.py CHROMIUM ADDRESS WORD

Opens the page at the address, searches for the word, follows the first result, and prints as JSON
what it saw: the results, where the first one leads, which of some pages are wider than a narrow or
a wide window, every request, and what the console says.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright


def look(chromium: str, address: str, word: str) -> dict[str, Any]:
    """Everything that was seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        requests: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.goto(address, wait_until="networkidle")  # the page listens to keys from then on
        title = page.title()
        page.keyboard.press("/")
        page.keyboard.type(word)
        results = page.locator(RESULTS)
        results.first.filter(has_text=word).wait_for()  # not what the first letters find
        texts = results.all_inner_texts()
        results.first.click()
        page.wait_for_url(lambda url: url.partition("#")[0].partition("?")[0] != address)
        led = [page.url, page.title()]
        other = browser.new_page()  # to leave a page ends its requests, which is no complaint
        all_pages = [(urljoin(address, name), width) for width in WIDTHS for name in NAMES]
        wide = [place for place in all_pages if overflow(other, *place) > 0]
        seen = {"wide": wide, "title": title, "results": texts, "led to": led}
        browser.close()
    return {**seen, "requests": requests, "complaints": complaints}


def overflow(page: Page, address: str, width: int) -> int:
    """By how many pixels a page is wider than the window."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    wider: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider


RESULTS = "dialog ol a"
WIDTHS = (400, 1600)
NAMES = ("index.html", "report.html", "cli.html", "fields.html", "accuracy.html")
"""Long lines of text and of code, and wide tables."""

if __name__ == "__main__":
    print(json.dumps(look(*sys.argv[1:])))

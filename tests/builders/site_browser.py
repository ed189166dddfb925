"""Looks at the built site in a real Chromium; run by path, with Playwright.

    python site_browser.py CHROMIUM ADDRESS WORD

Opens the page at the address, searches for the word, follows the first result, and prints as JSON
what it saw: the results, where the first one leads, every request, and what the console says.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from playwright.sync_api import sync_playwright


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
        page.goto(address)
        title = page.title()
        page.keyboard.press("/")
        page.keyboard.type(word)
        results = page.locator(RESULTS)
        results.first.wait_for()
        texts = results.all_inner_texts()
        results.first.click()
        page.wait_for_url(lambda url: url.partition("#")[0].partition("?")[0] != address)
        seen = {"title": title, "results": texts, "led to": [page.url, page.title()]}
        browser.close()
    return {**seen, "requests": requests, "complaints": complaints}


RESULTS = "dialog ol a"

if __name__ == "__main__":
    print(json.dumps(look(*sys.argv[1:])))

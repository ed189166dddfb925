"""Looks at pages in a real Chromium, as a person would use them; run by path, with Playwright.

    python browser.py CHROMIUM FOLDER

Opens `report.html`, `run.html`, `fingerprint.html`, `fleet.html` and `hostile.html` of the folder,
and prints as JSON what it saw.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

WIDTHS = (400, 900, 1600)
SHOWN = "(s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()).length)"
ROWS = "#packages tbody tr:not([hidden])"


def shown(page: Page, selector: str) -> int:
    """How many elements a person can see."""
    return int(page.evaluate(f"{SHOWN}({json.dumps(selector)})"))


def said(page: Page, part: str) -> str:
    """What a filter says of its items."""
    return page.locator(f"form[data-for={part}] output").inner_text()


def filters(page: Page) -> dict[str, Any]:
    """The findings while kinds are left out and words are searched for."""
    seen = {"all": [shown(page, "#findings article"), said(page, "findings")]}
    page.get_by_label("breaks", exact=True).uncheck()
    seen["without breaks"] = [shown(page, "#findings article[data-kind=breaks]")]
    page.get_by_label("breaks", exact=True).check()
    page.locator("form[data-for=findings] input[type=search]").fill("Compute CAPABILITY 7.5")
    seen["search"] = [shown(page, "#findings article"), said(page, "findings")]
    hidden = page.locator("#findings article[hidden]").first.get_attribute("id")
    page.goto(page.url.partition("#")[0] + f"#{hidden}")
    seen["address"] = [page.evaluate(f"document.getElementById({json.dumps(hidden)}).hidden")]
    return seen


def sorts(page: Page) -> dict[str, Any]:
    """The packages by their old version, by the keyboard: upwards, downwards."""
    page.get_by_role("region", name="Packages, table").get_by_role("button", name="before").focus()
    seen: dict[str, Any] = {}
    for order in ("ascending", "descending"):
        page.keyboard.press("Enter")
        versions = page.locator(f"{ROWS} td:nth-child(2)").all_inner_texts()
        numbers = [float(text) for text in versions if text.count(".") == 1]
        seen[order] = [page.locator(f"#packages th[aria-sort={order}]").inner_text(), numbers]
    return seen


def sides(page: Page) -> dict[str, Any]:
    """The values of both fingerprints: differences, all, and those that a search finds."""
    part = page.locator("#fingerprints")
    seen: dict[str, Any] = {"differences": said(page, "fingerprints")}
    part.get_by_label("all", exact=True).check()
    seen["all"] = said(page, "fingerprints")
    part.get_by_label("Search").fill("distributions[package-007]")
    seen["search"] = shown(page, "#fingerprints tbody tr")
    return seen


def fleet(page: Page) -> dict[str, Any]:
    """The machines of a fleet: the odd ones, all, and in the order of a column; each width."""
    rows = "#matrix tbody tr"
    seen: dict[str, Any] = {"snapshot": page.locator("body").aria_snapshot()}
    seen["odd"] = [shown(page, rows), said(page, "matrix")]
    page.locator("#matrix").get_by_label("all", exact=True).check()
    seen["all"] = [shown(page, rows), said(page, "matrix")]
    page.locator("#matrix").get_by_label("Search").fill("node007")
    seen["search"] = shown(page, rows)
    page.locator("#matrix").get_by_label("Search").fill("")
    page.get_by_role("region", name="Machines and sections").last.get_by_role(
        "button", name="machine"
    ).click()
    seen["sorted"] = page.locator(f"{rows}:not([hidden]) th").all_inner_texts()
    seen["overflow"] = overflow(page)
    seen["elements"] = page.evaluate("[document.scripts.length, document.images.length]")
    return seen


def overflow(page: Page) -> list[int]:
    """The pixels by which the page is wider than its window, at each width."""
    seen = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        seen.append(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
    return seen


def looks(page: Page) -> dict[str, Any]:
    """Widths, dark colours, paper and the first stop of the keyboard."""
    seen: dict[str, Any] = {"overflow": overflow(page)}
    colour = "getComputedStyle(document.body).backgroundColor"
    seen["light"] = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    seen["dark"] = page.evaluate(colour)
    page.emulate_media(media="print", color_scheme="light")
    seen["forms on paper"] = shown(page, "form")
    seen["paper"] = len(page.pdf())
    page.emulate_media(media="screen")
    page.keyboard.press("Tab")
    seen["first"] = page.evaluate("document.activeElement.textContent")
    return seen


def watched(page: Page, complaints: list[str]) -> Page:
    """The page, with everything that it complains about or asks for."""
    page.on("console", lambda message: complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: complaints.append(f"request: {request.url}"))
    return page


def look(chromium: str, folder: Path) -> dict[str, Any]:
    """Everything that was seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        complaints: list[str] = []

        def opened(name: str) -> Page:
            page = watched(browser.new_page(), complaints)
            page.goto((folder / name).as_uri())
            return page

        seen: dict[str, Any] = {}
        for kind in (filters, sorts, sides, looks):
            seen[kind.__name__] = kind(opened("report.html"))
        seen["fleet"] = fleet(opened("fleet.html"))
        seen["snapshot"] = opened("report.html").locator("body").aria_snapshot()
        seen["run"] = opened("run.html").locator("body").aria_snapshot()
        seen["fingerprint"] = opened("fingerprint.html").locator("body").aria_snapshot()
        hostile = opened("hostile.html")
        seen["hostile"] = hostile.evaluate("[document.scripts.length, document.images.length]")
        files = [f"request: {path.as_uri()}" for path in folder.iterdir()]
        seen["complaints"] = [one for one in complaints if one.partition("#")[0] not in files]
        browser.close()
    return seen


if __name__ == "__main__":
    print(json.dumps(look(sys.argv[1], Path(sys.argv[2]))))

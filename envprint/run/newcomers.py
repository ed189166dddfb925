"""Who took GPU memory while a command ran, in words."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from envprint.core.units import size
from envprint.gpu.account import MemoryHolder, WatchResult


def newcomers(watched: WatchResult, before: Fingerprint) -> list[MemoryHolder]:
    """Processes that came while the command ran, or that the capture before it may have missed."""
    devices = before.get("live.gpu.devices", {})
    units = [unit for d in devices.values() for unit in (d, *(d.get("mig_devices") or {}).values())]
    known = {process["pid"] for unit in units for process in unit.get("processes") or ()}
    strangers = [who for who in watched.holders if who.own is False and not who.at_start]
    return [who for who in strangers if who.at_start is False or who.pid not in known]


def in_words(who: MemoryHolder) -> str:
    """Who held memory while the command ran: on which GPU, how much, and from when to when."""
    most = "an unknown amount" if who.peak_bytes is None else f"{size(who.peak_bytes)} at most"
    until = f"until {who.seen_until}" if who.seen_until else "to the end"
    held = f"{who.name or f'pid {who.pid}'} held memory of {who.gpu} while the command ran"
    caveat = "" if who.at_start is False else "; the driver did not report whether it did before"
    return f"{held}: {most}, from {who.seen_from} {until}{caveat}"

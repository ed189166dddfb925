"""The processes of one job, on one machine or many, that decide together.

    envprint.fleet.check("baseline.json")

Every rank calls it. All return, or all raise the same error. And the machines of a fleet, compared
afterwards by their fingerprints:

    envprint.fleet.diff("runs/").groups
"""

from envprint.fleet.checking import check
from envprint.fleet.comparing import diff
from envprint.fleet.deciding import TIMEOUT_S, FleetError
from envprint.results import FleetReport

__all__ = ["TIMEOUT_S", "FleetError", "FleetReport", "check", "diff"]

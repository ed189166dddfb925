"""Many fingerprints: what a job decides, how machines are gathered and compared.

    envprint.fleet.check("baseline.json")

Every rank calls it. All return, or all raise the same error.

    envprint.fleet.gather("fleet")

One capture on each host of the job. And the machines of a fleet, compared by their fingerprints:

    envprint.fleet.diff("fleet").groups
"""

from envprint.fleet.checking import check
from envprint.fleet.comparing import diff
from envprint.fleet.deciding import TIMEOUT_S, FleetError
from envprint.fleet.gathering import gather
from envprint.fleet.hosts import Gathered, Lost
from envprint.results import FleetReport

__all__ = ["TIMEOUT_S", "FleetError", "FleetReport", "Gathered", "Lost", "check", "diff", "gather"]

"""The processes of one job, on one machine or many, that decide together.

    envprint.fleet.check("baseline.json")

Every rank calls it. All return, or all raise the same error.

    envprint.fleet.gather("fleet")

One capture on each host of the job.
"""

from envprint.fleet.checking import check
from envprint.fleet.deciding import TIMEOUT_S, FleetError
from envprint.fleet.gathering import gather
from envprint.fleet.hosts import Gathered, Lost

__all__ = ["TIMEOUT_S", "FleetError", "Gathered", "Lost", "check", "gather"]

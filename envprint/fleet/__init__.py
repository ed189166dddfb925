"""The processes of one job, on one machine or many, that decide together.

    envprint.fleet.check("baseline.json")

Every rank calls it. All return, or all raise the same error.
"""

from envprint.fleet.checking import check
from envprint.fleet.deciding import TIMEOUT_S, FleetError

__all__ = ["TIMEOUT_S", "FleetError", "check"]

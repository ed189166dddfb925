"""A contract for import-linter that names no module: who is in a package, the tree says."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields
from importlinter.contracts.independence import IndependenceContract


class Strangers(Contract):
    """The public modules of a package do not import each other, directly or through others.

    They are those that `envprint.core.discovery` finds. What stands for a package among them is
    its module `section`: the rest of it is open to all.
    """

    type_name = "strangers"
    packages = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        chains = []
        for package in self.packages:  # type: ignore[attr-defined]
            options = {"modules": entries(graph, package)}
            independence = IndependenceContract(self.name, self.session_options, options)
            chains += independence.check(graph, verbose).metadata["invalid_chains"]
        return ContractCheck(kept=not chains, metadata={"invalid_chains": chains})

    def render_broken_contract(self, check: ContractCheck) -> None:
        options = {"modules": []}
        IndependenceContract(self.name, self.session_options, options).render_broken_contract(check)


def entries(graph: ImportGraph, package: str) -> list[str]:
    """The modules by which the public parts of a package are known."""
    public = [name for name in graph.find_children(package) if name.rpartition(".")[2][0] != "_"]
    return [f"{name}.section" if graph.find_children(name) else name for name in public]

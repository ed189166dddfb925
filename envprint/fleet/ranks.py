"""Ranks of a job against a baseline or each other, as far as their roles have to agree."""

from __future__ import annotations

from envprint.api import Question, agreed_on
from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import NamedTuple
from envprint.fleet.cards import rank_of, role_of
from envprint.fleet.deciding import Answer, Answers
from envprint.fleet.diffing import AGREE, Wish, judged, likeness_of, reader_of, trains_with
from envprint.fleet.sources import Document
from envprint.outputs.drift_error import refusal


def numbered(current: Fingerprint, rank: int) -> Fingerprint:
    """With the tag that says which rank it is; the variables of a launcher do not always."""
    return current._replace(tags={"rank": str(rank), **current.tags})


def without_names(question: Question, before: Fingerprint, current: Fingerprint) -> Fingerprint:
    """`current` with the names of cards, processes and hosts that `before` has."""
    alike = likeness_of(agreed_on(question)).levelled(before, current)
    return alike._replace(live=current.live, unknown=current.unknown)


class Roles(NamedTuple):
    """What keeps ranks apart, and whether they are compared with each other."""

    by: tuple[str, ...] = ()
    is_majority: bool = False

    def seen_from(self, current: Fingerprint, before: Fingerprint | None) -> Fingerprint | None:
        """`before`; of another role, with `current`'s facts wherever the roles need not agree."""
        if before is None or trains_with(self._of(before), self._of(current)):
            return before
        kept = {name: before.facts[name] for name in AGREE if name in before.facts}
        digests = {name: before.section_digests.get(name, "") for name in kept}
        places = tuple(f"facts.{name}" for name in AGREE)
        unknown = {path: why for path, why in before.unknown.items() if path.startswith(places)}
        others = {path: why for path, why in current.unknown.items() if not path.startswith(places)}
        return before._replace(
            facts={**current.facts, **kept},
            section_digests={**current.section_digests, **digests},
            unknown={**others, **unknown},
        )

    def _of(self, one: Fingerprint) -> str:
        return role_of(one, rank_of(one), self.by)

    def compared(self, found: Answers, question: Question) -> Answers:
        """The answers, with a refusal for each rank that differs from most of its role."""
        context, wish = agreed_on(question), Wish(by=self.by)
        reader = reader_of(context, wish)
        cards = (reader.card(_document(rank, one)) for rank, one in found.items() if one.document)
        fleet = judged(cards, context, wish)
        settled = dict(found)
        for group in fleet.groups:
            if group.report is None or not context.exit_code(group.report):
                continue
            text = refusal(group.report, context.policy.fail_on, question.strict)
            against = found[int(fleet.groups[group.against or 0].members[0].source)].document
            for member in group.members:
                rank = int(member.source)
                settled[rank] = _refused(found[rank], text, against)
        return settled


def _document(rank: int, answer: Answer) -> Document:
    return Document(str(rank), str(rank), content=answer.document.encode("utf-8"))


def _refused(answer: Answer, text: str, against: str) -> Answer:
    """A rank may be refused for its own state, which a comparison may find as well."""
    lines = dict.fromkeys([*answer.refused.splitlines(), *text.splitlines()])
    return answer._replace(refused="\n".join(lines), against=against)

"""The audit chain: whatever is changed, left out, put in, moved or cut off is found."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.audit import GENESIS, AuditEntry, ChainVerifier, content_of, seal

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.none() | st.dictionaries(TEXTS, VALUES, max_size=3)
TIMES = st.floats(0, 4e9).map(lambda time: round(time, 6))
CONTENTS = st.fixed_dictionaries(
    {
        "occurred_at": TIMES,
        "actor": TEXTS,
        "actor_tenant": st.none() | TEXTS,
        "action": TEXTS,
        "subject": TEXTS,
        "request_id": TEXTS,
        "before": DOCUMENTS,
        "after": DOCUMENTS,
    }
)


def sealed(previous: AuditEntry | None, content) -> AuditEntry:
    entry = AuditEntry(
        tenant_id="t",
        sequence=1 if previous is None else previous.sequence + 1,
        previous=GENESIS if previous is None else previous.hash,
        hash="",
        **content,
    )
    return replace(entry, hash=seal(entry.previous, content_of(entry)))


@st.composite
def chains(draw, least: int = 1) -> list[AuditEntry]:
    chain: list[AuditEntry] = []
    for content in draw(st.lists(CONTENTS, min_size=least, max_size=5)):
        chain.append(sealed(chain[-1] if chain else None, content))
    return chain


def holds(chain: list[AuditEntry], known: list[AuditEntry]) -> bool:
    """Whether it verifies as the chain that is known to have ended as `known`."""
    verifier = ChainVerifier()
    taken = [verifier.take(entry) for entry in chain]
    head = (known[-1].sequence, known[-1].hash) if known else (0, GENESIS)
    ended = verifier.expect(*head)
    assert (verifier.faults == []) is (all(taken) and ended)
    return not verifier.faults


@given(chains(least=0))
def test_a_chain_that_nobody_touched_holds(chain):
    assert holds(chain, chain)


@given(st.data(), chains())
def test_a_changed_entry_is_found(data, chain):
    at = data.draw(st.integers(0, len(chain) - 1))
    names = [field.name for field in fields(AuditEntry)]
    name = data.draw(st.sampled_from(names))
    old = getattr(chain[at], name)
    kinds = {"sequence": st.integers(), "occurred_at": TIMES, "before": DOCUMENTS, "after": DOCUMENTS,
             "tenant_id": st.none() | TEXTS, "actor_tenant": st.none() | TEXTS}  # fmt: skip
    new = data.draw(kinds.get(name, TEXTS).filter(lambda value: repr(value) != repr(old)))
    changed = replace(chain[at], **{name: new})
    if content_of(changed) == content_of(chain[at]) and (changed.previous, changed.hash) == (
        chain[at].previous, chain[at].hash,
    ):  # fmt: skip
        return  # another spelling of the same (1 and 1.0, -0.0 and 0.0)
    assert not holds([*chain[:at], changed, *chain[at + 1 :]], chain)


@given(st.data(), chains())
def test_an_entry_that_is_changed_and_sealed_anew_is_found(data, chain):
    """Its own hash holds; the next entry's, or the known head, does not."""
    at = data.draw(st.integers(0, len(chain) - 1))
    changed = replace(chain[at], actor=chain[at].actor + "x")
    changed = replace(changed, hash=seal(changed.previous, content_of(changed)))
    assert not holds([*chain[:at], changed, *chain[at + 1 :]], chain)


@given(st.data(), chains())
def test_an_entry_that_was_left_out_is_found_wherever_it_was(data, chain):
    at = data.draw(st.integers(0, len(chain) - 1))
    assert not holds(chain[:at] + chain[at + 1 :], chain)


@given(st.data(), chains())
def test_an_entry_that_was_put_in_is_found(data, chain):
    at = data.draw(st.integers(0, len(chain)))
    before = chain[at - 1] if at else None
    forged = sealed(before, data.draw(CONTENTS))
    assert not holds([*chain[:at], forged, *chain[at:]], chain)
    again = data.draw(st.sampled_from(chain))
    assert not holds([*chain[:at], again, *chain[at:]], chain)


@given(st.data(), chains(least=2))
def test_another_order_is_found(data, chain):
    order = data.draw(st.permutations(chain))
    assert holds(list(order), chain) is (list(order) == chain)


@given(st.data(), chains())
def test_a_chain_that_was_cut_off_is_found_by_where_it_ended(data, chain):
    kept = data.draw(st.integers(0, len(chain) - 1))
    verifier = ChainVerifier()
    assert all(verifier.take(entry) for entry in chain[:kept])
    assert not verifier.expect(chain[-1].sequence, chain[-1].hash)
    assert f"the chain ends at entry {kept}" in verifier.faults[0]


def test_faults_name_the_entry_and_are_told_once():
    chain: list[AuditEntry] = []
    content = {"occurred_at": 1.0, "actor": "ada", "actor_tenant": None, "action": "a", "subject": "s",
               "request_id": "r", "before": None, "after": None}  # fmt: skip
    for _ in range(4):
        chain.append(sealed(chain[-1] if chain else None, content))
    verifier = ChainVerifier()
    taken = [verifier.take(entry) for entry in (chain[0], replace(chain[1], actor="eve"), chain[3])]
    assert taken == [True, False, False]
    assert verifier.faults == [
        "entry 2 was changed: its hash does not hold",
        "entry 3 is missing: 4 comes next",
    ]


def test_the_spelling_is_one_whatever_the_order_of_keys():
    assert seal("p", {"a": 1, "b": {"x": "ü", "y": None}}) == seal("p", {"b": {"y": None, "x": "ü"}, "a": 1})
    assert len({seal("p", {"a": 1}), seal("q", {"a": 1}), seal("p", {"a": "1"}), seal("p", {"a": True})}) == 4


def test_what_no_document_says_is_not_sealed():
    with pytest.raises(ValueError, match="JSON"):
        seal("p", {"a": math.nan})

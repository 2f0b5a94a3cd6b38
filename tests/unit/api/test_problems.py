"""The table of problems: complete over the tree of errors, and silent about what went on inside."""

from __future__ import annotations

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.api.problems import (
    ALLOWED,
    PROBLEMS,
    document,
    fault_of,
    headers_of,
    members,
    problem_of,
    slug,
)
from brain_gateway.domain import errors

TREE = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.GatewayError)
]
LEAVES = [error for error in TREE if not error.__subclasses__() and error is not errors.ConfigurationError]
BRANCHES = [error for error in TREE if error not in LEAVES]


@pytest.mark.parametrize("error", LEAVES)
def test_every_leaf_has_its_row_and_a_document_that_says_the_same(error):
    problem = PROBLEMS[error]
    shown = json.loads(document(error()))
    assert shown == {
        "type": f"urn:brain-gateway:problem:{slug(error)}", "title": problem.title,
        "status": problem.status, "detail": problem.advice,
        "fault": fault_of(error()),
    }  # fmt: skip
    assert problem.title.lower().replace(" ", "-") == slug(error).removesuffix("-by-gateway")
    assert problem.advice[0].islower() or problem.advice.startswith("HTTP")
    assert not problem.advice.endswith(".")


def test_the_table_has_nothing_else():
    assert set(PROBLEMS) == set(LEAVES)


FAULTS = [
    (errors.CallerError, "caller", range(400, 500)),
    (errors.GatewayFault, "gateway", range(500, 504)),
    (errors.UpstreamFault, "upstream", range(502, 505)),
]


@pytest.mark.parametrize(("branch", "fault", "statuses"), FAULTS)
def test_whose_fault_it_is_agrees_with_the_status(branch, fault, statuses):
    exceptions = {
        errors.NotImplementedByGateway: 501,
        errors.NotCached: 504,  # RFC 9111 section 5.2.1.7
        errors.VersionNotSupported: 505,
    }  # the caller's, but 5xx by RFC 9110 and 9111
    for error in LEAVES:
        if issubclass(error, branch):
            status = PROBLEMS[error].status
            assert fault_of(error()) == fault
            assert status in statuses or exceptions.get(error) == status


def test_a_detail_of_its_own_goes_before_the_tables_advice():
    assert (
        members(errors.RoleRequired("one of these roles is needed: a"))["detail"]
        == "one of these roles is needed: a"
    )


@pytest.mark.parametrize("request_id", ["", "r-1"])
def test_the_request_id_is_told_if_there_is_one(request_id):
    assert members(errors.CircuitOpen(), request_id).get("request_id", "") == request_id


@pytest.mark.parametrize(
    "error",
    [branch("secret inside") for branch in BRANCHES]
    + [errors.ConfigurationError("secret inside", ("secret/file:1",))],
)
def test_an_error_that_is_no_leaf_is_an_internal_one_and_shows_nothing(error):
    assert document(error) == document(errors.InternalError())
    assert problem_of(error).status == 500


@given(st.sampled_from(LEAVES), st.text(min_size=1))
def test_a_document_never_carries_the_text_of_another_exception(leaf, secret):
    error = leaf()
    error.__cause__ = error.__context__ = OSError(secret)
    error.add_note(secret)
    assert document(error) == document(leaf())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_detail_says_the_document_is_json(detail):
    assert json.loads(document(errors.MalformedRequest(detail)))["detail"] in (
        detail,
        PROBLEMS[errors.MalformedRequest].advice,
    )


HEADERS = [
    (errors.CredentialsMissing, {"WWW-Authenticate": 'Bearer realm="brain-gateway"'}),
    (errors.CredentialsInvalid, {"WWW-Authenticate": 'Bearer realm="brain-gateway", error="invalid_token"'}),
    (errors.CredentialsExpired, {"WWW-Authenticate": 'Bearer realm="brain-gateway", error="invalid_token"'}),
    (errors.MethodNotAllowed, {"Allow": ALLOWED}),
    (errors.UpgradeRefused, {"Upgrade": "HTTP/1.1"}),
    (errors.RateLimitExceeded, {}),
    (errors.CircuitOpen, {}),
]


@pytest.mark.parametrize(("error", "headers"), HEADERS)
def test_what_a_status_asks_for(error, headers):
    assert dict(headers_of(error())) == headers

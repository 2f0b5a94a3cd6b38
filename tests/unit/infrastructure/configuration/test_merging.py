"""What a file changes in the packaged services."""

from __future__ import annotations

from brain_gateway.infrastructure.configuration.merging import deep_merge, with_packaged

PACKAGED = {"one": {"port": 1, "probe": {"type": "http", "path": "/health"}}, "two": {"port": 2}}


def test_mappings_merge_and_the_rest_is_replaced():
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert deep_merge(base, {"a": {"y": [3]}, "c": 4}) == {"a": {"x": 1, "y": [3]}, "b": 1, "c": 4}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


def test_null_is_kept():
    assert deep_merge({"a": {"x": 1}}, {"a": None}) == {"a": None}


def test_own_services_over_packaged_ones():
    merged = with_packaged({"services": {"one": {"probe": {"path": "/up"}}, "new": {"port": 3}}}, PACKAGED)
    assert merged["services"] == {
        "one": {"port": 1, "probe": {"type": "http", "path": "/up"}},
        "two": {"port": 2},
        "new": {"port": 3},
    }


def test_null_takes_a_packaged_service_out_and_no_other():
    merged = with_packaged({"services": {"one": None, "new": None}}, PACKAGED)
    assert merged["services"] == {"two": {"port": 2}, "new": None}


def test_without_packaged_services():
    for no in (False, "false", "no", "off"):
        assert with_packaged({"packaged_services": no, "services": {}}, PACKAGED)["services"] == {}


def test_the_wrong_shape_passes_to_validation():
    assert with_packaged({"services": [1]}, PACKAGED) == {"services": [1]}
    assert with_packaged({"services": {"one": 5}}, PACKAGED)["services"]["one"] == 5

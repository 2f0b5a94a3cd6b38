"""Cache-Status (RFC 9211)."""

from __future__ import annotations

from brain_gateway.domain.http.caching.cache_status import forwarded, hit


def test_hits():
    assert hit(59.9) == b"Cache-Status: brain-gateway; hit; ttl=59"
    assert hit(-3.0) == b"Cache-Status: brain-gateway; hit; ttl=-3"


def test_forwarded():
    assert forwarded("uri-miss", stored=True) == b"Cache-Status: brain-gateway; fwd=uri-miss; stored"
    assert forwarded("stale", status=304) == b"Cache-Status: brain-gateway; fwd=stale; fwd-status=304"
    assert forwarded("uri-miss", collapsed=True).endswith(b"; collapsed")
    assert forwarded("uri-miss", collapsed=False, detail="private").endswith(
        b'; collapsed=?0; detail="private"'
    )

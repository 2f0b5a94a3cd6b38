"""The services' databases: built once, kept, and built anew when what they are built from has changed."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from launcher.layout import PLATFORM_DIR, Layout
from launcher.steps import Steps
from launcher.upstreams import Upstream

STAMP = "built-from.sha256"


def stale(layout: Layout, upstreams: Sequence[Upstream]) -> list[Upstream]:
    """The services whose database is missing or was built from something else than today's files."""
    return [upstream for upstream in upstreams if not _is_fresh(layout, upstream)]


def build(
    layout: Layout,
    upstreams: Sequence[Upstream],
    steps: Steps,
    environment: Callable[[Upstream, Path], Mapping[str, str]],
    on_end: Callable[[str], None],
) -> None:
    """Build databases side by side, each in a directory that takes its name only when it is complete.

    What was there before is kept as NAME.previous. `environment` gives a service's variables for a directory.
    """
    commands = {}
    for upstream in upstreams:
        unfinished = _unfinished(layout, upstream)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        command = [str(layout.python), *upstream.build]
        log = layout.log(f"{upstream.name}-build")
        commands[upstream.name] = (command, environment(upstream, unfinished), log)
    steps.run_together(commands, on_end)
    for upstream in upstreams:
        _take_over(layout, upstream)


def data_of(layout: Layout, upstream: Upstream) -> Path:
    """Where a service's data is."""
    return layout.data / upstream.package


def _unfinished(layout: Layout, upstream: Upstream) -> Path:
    return layout.data / f"{upstream.package}.unfinished"


def _take_over(layout: Layout, upstream: Upstream) -> None:
    unfinished, final = _unfinished(layout, upstream), data_of(layout, upstream)
    (unfinished / STAMP).write_text(_fingerprint(layout, upstream))
    if final.exists():
        previous = final.with_suffix(".previous")
        shutil.rmtree(previous, ignore_errors=True)
        os.rename(final, previous)
    os.rename(unfinished, final)


def _is_fresh(layout: Layout, upstream: Upstream) -> bool:
    stamp = data_of(layout, upstream) / STAMP
    return stamp.exists() and stamp.read_text() == _fingerprint(layout, upstream)


def _fingerprint(layout: Layout, upstream: Upstream) -> str:
    package = PLATFORM_DIR / upstream.package
    files = sorted({path for glob in upstream.sources for path in package.glob(glob) if path.is_file()})
    digest = hashlib.sha256()
    for path in (layout.requirements, *files):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()

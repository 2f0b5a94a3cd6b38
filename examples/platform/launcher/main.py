"""From the command line to the end."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from launcher.layout import LaunchError, Layout
from launcher.options import Options, read_options
from launcher.platform import Platform, gateway_command
from launcher.reporter import Reporter
from launcher.stopping import StopRequested, StopSignals
from launcher.tour import tour


def main(arguments: Sequence[str]) -> int:
    """Run the platform until somebody stops it; returns the exit code."""
    reporter, signals = Reporter(Console(highlight=False)), StopSignals()
    try:
        options, layout = read_options(arguments, os.environ), Layout.read(os.environ)
        with _alone(layout):
            signals.listen()
            platform = Platform(layout, signals, reporter, os.environ)
            try:
                _run(platform, layout, options, reporter)
            finally:
                platform.stop()
    except StopRequested:
        return 0
    except LaunchError as error:
        reporter.failed(error)
        return 1
    return 0


def _run(platform: Platform, layout: Layout, options: Options, reporter: Reporter) -> None:
    if not (options.prepare_only or options.services_only):
        gateway_command()  # better missed now than after the services have started
    platform.prepare()
    if options.prepare_only:
        return
    platform.start_services()
    if options.services_only:
        reporter.say(f"Only the services run, without the gateway. Logs: {layout.data / 'logs'}")
    else:
        platform.start_gateway(options)
        reporter.states(platform.states())
        reporter.say(tour(platform.gateway_url, layout.data / "logs"))
    platform.watch()


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Two platforms on one data directory would write over each other."""
    layout.make_directories()
    with (layout.data / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            where = f"process {lock.read().strip()} runs the platform in {layout.data} already"
            raise LaunchError(f"{where}: stop it, or set PLATFORM_DATA_DIR to another directory") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield

"""gateway.yaml to GatewayConfiguration, or to one error that lists every fault with its line."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import yaml

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.configuration.assembly import Assembly
from brain_gateway.infrastructure.configuration.document import Document
from brain_gateway.infrastructure.configuration.merging import with_packaged
from brain_gateway.infrastructure.configuration.packaged import packaged_services
from brain_gateway.infrastructure.configuration.validation import read
from brain_gateway.schemas.building import ServiceBuilder
from brain_gateway.schemas.faults import Fault, refuse
from brain_gateway.settings import Profile

_MANY = 50_000  # objects; the collector looks through fewer in some milliseconds


def load_configuration(
    path: Path | None,
    *,
    profile: Profile = Profile.DEVELOPMENT,
    health_check_interval: float = 30.0,
    auto_discovery: bool = False,
    environ: Mapping[str, str] | None = None,
) -> GatewayConfiguration:
    """The configuration in the file at `path`; without a path, the packaged services alone.

    `profile` chooses where services without targets live, `auto_discovery` whether those names are looked up again
    and again, `health_check_interval` (seconds) is the interval of probes that name none, `environ` (os.environ
    unless given) fills ${NAME}. Raises ConfigurationError whose `faults` are lines like
    `gateway.yaml:12: services.ai-agents.port: must be a number, not "x"`.
    """
    return parse_configuration(
        "" if path is None else _text(path),
        file="packaged services" if path is None else str(path),
        profile=profile,
        health_check_interval=health_check_interval,
        auto_discovery=auto_discovery,
        environ=os.environ if environ is None else environ,
    )


def parse_configuration(
    text: str,
    *,
    file: str = "gateway.yaml",
    profile: Profile = Profile.DEVELOPMENT,
    health_check_interval: float = 30.0,
    auto_discovery: bool = False,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> GatewayConfiguration:
    """Like load_configuration, from the `text` of a file that is called `file` in faults."""
    with collector_paused():
        document = _document(text, file, environ)
        return _parsed(document, file, profile, health_check_interval, auto_discovery)


def _parsed(
    document: Document, file: str, profile: Profile, health_check_interval: float, auto_discovery: bool
) -> GatewayConfiguration:
    values = {} if document.values is None else document.values
    if not isinstance(values, dict):
        raise refuse(file, [Fault(1, (), "must be a mapping (lines of `key: value`)")])
    packaged = packaged_services()
    reading = read(with_packaged(values, packaged.services), document)
    template = (reading.file.host_template if reading.file else None) or packaged.host_template(profile)
    builder = ServiceBuilder(template, health_check_interval, auto_discovery)
    assembly = Assembly(reading, document, builder)
    configuration = assembly.configuration()
    if assembly.faults:
        raise refuse(file, assembly.faults)
    return configuration


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8"
        ) from error


def _document(text: str, file: str, environ: Mapping[str, str]) -> Document:
    try:
        return Document(text, environ)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise refuse(file, [Fault(mark.line + 1 if mark else 1, (), f"is not YAML: {said}")]) from error
    except yaml.YAMLError as error:
        raise refuse(file, [Fault(1, (), f"is not YAML: {error}")]) from error


@contextmanager
def collector_paused() -> Iterator[None]:
    """Loading makes many objects and no garbage: the collector would walk them all again and again, and afterwards
    once more, in one go that keeps the event loop for a quarter of a second."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if gc.get_count()[0] > _MANY:
                gc.freeze()  # they are freed as always, once nothing refers to them
            gc.enable()

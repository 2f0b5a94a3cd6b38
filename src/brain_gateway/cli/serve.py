"""`brain-gateway serve`: start the gateway."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from brain_gateway.cli.faults import faults_on_stderr, print_warnings
from brain_gateway.cli.options import ProfileOption

EntryName = Literal["protocol", "asgi"]


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration file. Default: BRAIN_GATEWAY_CONFIG.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on. Default: BRAIN_GATEWAY_HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on. Default: BRAIN_GATEWAY_PORT, else 8001.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes. Default: BRAIN_GATEWAY_WORKERS, else 1.")
    ] = None,
    profile: ProfileOption = None,
    entry: Annotated[
        EntryName, typer.Option("--entry", help="protocol: the fast way; asgi: plain uvicorn, to compare.")
    ] = "protocol",
) -> None:
    """Start the gateway. Options win over environment variables; `brain-gateway settings` lists those."""
    gc.disable()  # what is imported stays: looking through it for garbage is a tenth of a start (main enables it)
    with faults_on_stderr():
        from brain_gateway.settings import (
            load_settings,
            misspelt_variables,
            warnings,
            with_development_secret,
        )

        settings = load_settings(
            overrides={
                "BRAIN_GATEWAY_CONFIG": config,
                "BRAIN_GATEWAY_HOST": host,
                "BRAIN_GATEWAY_PORT": port,
                "BRAIN_GATEWAY_WORKERS": workers,
                "BRAIN_GATEWAY_PROFILE": profile,
            }
        )
        print_warnings((*misspelt_variables(os.environ), *warnings(settings)))
        settings = with_development_secret(settings)

        from brain_gateway import main
        from brain_gateway.cli.demo import demo_credentials
        from brain_gateway.settings import Profile

        demo = demo_credentials(settings) if settings.profile is Profile.DEVELOPMENT else None
        if demo is None:
            main.serve(settings, settings.config, entry=entry)
        else:
            main.serve(settings, settings.config, demo_key=demo.key, announce=demo.announce, entry=entry)

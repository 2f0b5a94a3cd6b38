"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

ProfileName = Literal["development", "production"]

ProfileOption = Annotated[
    ProfileName | None,
    typer.Option(
        "--profile", help="How strict the start is. Default: BRAIN_GATEWAY_PROFILE, else development."
    ),
]

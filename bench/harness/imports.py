"""What a running Python server has imported, told by its interpreter: nothing inside it is changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Environment of a server whose modules are to be listed; PYTHONVERBOSE names every module, however imported.
LIST_IMPORTS = {"PYTHONVERBOSE": "1"}
# Environment of a server whose imports are to be timed (python -X importtime).
TIME_IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}

# A gateway that proxies must not pay for agents that it does not run, nor for the example platform.
UNWANTED = (
    "langchain",
    "langgraph",
    "langsmith",
    "crewai",
    "temporalio",
    "strawberry",
    "graphql",
    "django",
    "wagtail",
    "litellm",
    "openai",
    "anthropic",
    "mcp",
    "chromadb",
    "torch",
    "transformers",
    "pandas",
    "numpy",
)
UNWANTED_FAMILIES = ("langchain_", "langgraph_", "crewai_")


@dataclass(frozen=True)
class ImportCost:
    """Modules imported until the first proxied answer, and the milliseconds that they took."""

    modules: int
    milliseconds: float


def imported_modules(log: str) -> set[str]:
    """Read the modules from the output of a server started with LIST_IMPORTS."""
    return set(re.findall(r"^import '([^']+)' #", log, re.MULTILINE))


def unwanted_modules(modules: set[str]) -> list[str]:
    """Return the top-level packages among `modules` that belong to an UNWANTED library."""
    packages = {module.partition(".")[0] for module in modules}
    return sorted(name for name in packages if name in UNWANTED or name.startswith(UNWANTED_FAMILIES))


def import_cost(log: str) -> ImportCost:
    """Sum up the output of a server started with TIME_IMPORTS (own time of each module, microseconds)."""
    own = [int(found) for found in re.findall(r"^import time:\s+(\d+) \|", log, re.MULTILINE)]
    return ImportCost(len(own), sum(own) / 1e3)

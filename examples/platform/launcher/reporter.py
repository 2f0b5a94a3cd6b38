"""What the person at the terminal sees."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from launcher.child import Child

ReportName = Callable[[str], None]
ReportProgress = Callable[[int, int, str], None]

MARKS = {"healthy": "[green]up[/]", "degraded": "[yellow]degraded[/]", "down": "[red]DOWN[/]"}


class Reporter:
    """Progress while it goes on, one line for each thing that happened."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def installing(self) -> Iterator[ReportProgress]:
        """Packages are installed, so many of so many."""
        with self._progress() as progress:
            task = progress.add_task("installing Wagtail, Django REST framework, Strawberry", total=None)
            yield lambda done, total, name: progress.update(
                task, completed=done, total=total, description=f"installing: {name}"
            )
            progress.update(task, completed=1, total=1, description="installed the platform's packages")

    @contextmanager
    def building(self, names: Sequence[str]) -> Iterator[ReportName]:
        """Databases are built side by side."""
        with self._counting("building databases", "built", names) as on_end:
            yield on_end

    @contextmanager
    def starting(self, names: Sequence[str]) -> Iterator[ReportName]:
        """Processes are started side by side."""
        with self._counting("starting", "up", names) as on_healthy:
            yield on_healthy

    def moved(self, name: str, wanted: int, port: int) -> None:
        """A port was taken."""
        self.console.print(f"[yellow]port {wanted} is taken:[/] {name} listens on {port}")

    def slow(self, child: Child) -> None:
        """Somebody is not healthy yet."""
        self.console.print(f"[yellow]{child.name} is not healthy yet[/], see {child.log}")

    def ended(self, child: Child, code: int) -> None:
        """Somebody has ended who should not have."""
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        self.console.print(f"[red]{child.name} has ended[/] ({how}); the gateway goes on without it")
        self.console.print(child.tail(), style="dim", markup=False, highlight=False)

    def stopping(self) -> None:
        """The end begins."""
        self.console.print("stopping (Ctrl-C again: at once)")

    def failed(self, reason: object) -> None:
        """It did not work."""
        self.console.print("[red]the platform stops:[/]", end=" ")
        self.console.print(str(reason), markup=False, highlight=False, soft_wrap=True)

    def states(self, states: Mapping[str, str]) -> None:
        """Every registered service and how it is."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("service", "state"):
            table.add_column(heading)
        for name, state in sorted(states.items(), key=lambda item: (item[1] != "healthy", item[0])):
            table.add_row(name, MARKS.get(state, state))
        self.console.print(table)

    def say(self, text: str) -> None:
        """Text as it is: it may hold brackets."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def _counting(self, doing: str, done: str, names: Sequence[str]) -> Iterator[ReportName]:
        with self._progress() as progress:
            left = list(names)
            task = progress.add_task(f"{doing}: {', '.join(left)}", total=len(left))

            def on_name(name: str) -> None:
                left.remove(name)
                text = f"{doing}: {', '.join(left)}" if left else f"{done}: {', '.join(names)}"
                progress.update(task, advance=1, description=text)

            yield on_name

    def _progress(self) -> Progress:
        return Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            console=self.console,
        )

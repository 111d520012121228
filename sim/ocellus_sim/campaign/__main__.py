"""`python -m ocellus_sim.campaign`: `make regress`, with the options of the environment (docs/regress.md)."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from ocellus.errors import BadInput
from ocellus_sim.cosim.toolchain import ToolError
from ocellus_sim.counted import count
from ocellus_sim.typed import refuse_unknown

from . import folder as folders
from .campaign import Campaign, execute
from .executor import LocalExecutor, LostExecutor, Maker
from .folder import Folder, NoRoom
from .options import NAMES, Options
from .screen import Screen, show_end, show_list

PASSED, NOT_PASSED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main() -> int:
    """Exit status: 0 every job passed, 1 one did not or has no result, 2 the input was refused, 130 interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(soft_wrap=not sys.stdout.isatty())
    path: Path | None = None
    options = Options()
    try:
        refuse_unknown(NAMES)
        options = Options.read(os.environ)
        campaign = Campaign.from_options(options)
        for told in campaign.told:
            console.print(told, style="yellow", highlight=False, markup=False)
        if options.list_only:
            show_list(campaign, options.jobs, console)
            return PASSED
        if not campaign.jobs:
            console.print("nothing to run", highlight=False)
            return PASSED if options.rerun or options.shard[1] > 1 else NOT_PASSED
        executor = _executor(options)
        path = campaign.path or folders.new(campaign.suite)
        with Folder(path) as folder:
            return _run(campaign, folder, executor, options, console)
    except BadInput as error:
        return _said(error, REFUSED)
    except (ToolError, NoRoom) as error:
        return _said(error, NOT_PASSED)
    except KeyboardInterrupt:
        again = f"; go on with: {options.go_on(path)}" if path and (path / folders.PLANNED).exists() else ""
        return _said(f"interrupted{again}", INTERRUPTED)


def _run(campaign: Campaign, folder: Folder, executor: Maker, options: Options, console: Console) -> int:
    began = time.monotonic()
    todo = count(len(campaign.left), "job") if campaign.left else "every job has a result already"
    console.print(f"{campaign.suite}: {todo}, into {folder.path}", highlight=False)
    status = PASSED
    with Screen(campaign, console) as screen:
        try:
            execute(campaign, folder, executor, screen.making, screen.heard)
        except (NoRoom, LostExecutor) as error:
            status = _said(f"{error}; go on with: {options.go_on(folder.path)}", NOT_PASSED)
    try:
        _close(campaign, folder.path)
    except (BadInput, OSError) as error:  # the results stand, whatever becomes of their page
        status = _said(error, NOT_PASSED)
    show_end(campaign, folder.path, time.monotonic() - began, console)
    return status or (NOT_PASSED if campaign.left or campaign.not_passed else PASSED)


def _executor(options: Options) -> Maker:
    """What makes the executor that was asked for."""
    if options.executor == "local":
        return lambda path, _: LocalExecutor(path, options.jobs)
    try:
        from . import cluster
    except ModuleNotFoundError as error:
        raise BadInput(
            f"EXECUTOR: found dask, but no module {error.name}, allowed with the package's extra `cluster` installed"
        ) from None
    client = cluster.connect(options.scheduler)  # before anything is built
    return lambda path, models: cluster.DaskExecutor(path, client, models)


def _close(campaign: Campaign, path: Path) -> None:
    """What all runs together say: lines and branches of the design, and the campaign's page."""
    from ocellus_sim import report
    from ocellus_sim.coverage import code

    if campaign.coverage and (files := code.run_files(path / folders.RUNS)):
        code.merge(files, path)
    report.write(path)


def _said(what: object, status: int) -> int:
    print(f"ocellus: {what}", file=sys.stderr)
    return status


def _interrupt(number: int, _: FrameType | None) -> None:
    """As Ctrl-C; once."""
    with contextlib.suppress(ValueError):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""A campaign's folder survives whatever happens to those who write into it."""

import multiprocessing
import resource
import signal
from pathlib import Path

import pytest

from ocellus.errors import BadInput
from ocellus_sim.campaign import folder as folders
from ocellus_sim.campaign.folder import RESULTS, Folder, NoRoom
from ocellus_sim.campaign.job import Job, Result, Status


def result(seed: int, status: Status = "passed", message: str = "") -> Result:
    job = Job("line", "sensor", seed, 10, {"MODE": "image"}, "0123abcd", 4.5)
    return Result(job, status, message, "make sim SEED=1", 1.5, "2026-01-01T00:00:00+00:00", "host:1", {"frames": 10})


def test_what_is_appended_is_read_again(tmp_path: Path):
    with Folder(tmp_path / "c") as folder:
        for seed in range(3):
            folder.append(result(seed, "failed", "row 3,\ncolumn 7"))
    found = folders.results(tmp_path / "c")
    assert found == {f"line-{seed}-10": result(seed, "failed", "row 3,\ncolumn 7") for seed in range(3)}
    assert len((tmp_path / "c" / RESULTS).read_text().splitlines()) == 3


def test_of_two_results_of_a_job_the_first_counts(tmp_path: Path):
    with Folder(tmp_path) as folder:
        folder.append(result(1, "failed"))
        folder.append(result(1, "passed"))
    assert [found.status for found in folders.results(tmp_path).values()] == ["failed"]


@pytest.mark.parametrize("cut", [1, 2, 20, 200])
def test_a_line_that_was_cut_off_is_no_result_and_spoils_none(tmp_path: Path, cut: int):
    with Folder(tmp_path) as folder:
        folder.plan({"jobs": []})
        folder.append(result(1))
        folder.append(result(2))
    path = tmp_path / RESULTS
    path.write_bytes(path.read_bytes()[:-cut])
    assert set(folders.results(tmp_path)) == {"line-1-10"}
    with Folder(tmp_path) as folder:
        folder.append(result(3))
    assert set(folders.results(tmp_path)) == {"line-1-10", "line-3-10"}


def test_a_line_that_is_nonsense_is_no_result(tmp_path: Path):
    (tmp_path / RESULTS).write_text(f'null\n[]\n{{"job": 1}}\n{result(1).line()}\nx\n')
    assert set(folders.results(tmp_path)) == {"line-1-10"}


def number(where: Path, at: "multiprocessing.synchronize.Barrier", out: "multiprocessing.Queue[str]") -> None:
    """What each of several processes does at the same time."""
    folders.CAMPAIGNS = where
    at.wait()
    for _ in range(20):
        out.put(str(folders.new("smoke")))


def test_numbers_are_given_once_by_several_at_a_time(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    at, out = context.Barrier(3), context.Queue()
    makers = [context.Process(target=number, args=(tmp_path, at, out)) for _ in range(3)]
    for maker in makers:
        maker.start()
    names = [out.get(timeout=60) for _ in range(60)]
    for maker in makers:
        maker.join(timeout=60)
    assert sorted(names) == sorted(str(tmp_path / f"smoke-{n}") for n in range(1, 61))


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path):
    with (
        Folder(tmp_path / "c"),
        pytest.raises(BadInput, match=r"which the campaign with process number \d+ is filling"),
    ):
        Folder(tmp_path / "c")
    Folder(tmp_path / "c").close()


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadInput, match=r"which holds thesis\.tex, allowed a campaign's folder or a new one"):
        Folder(tmp_path)


def test_a_plan_that_is_damaged_is_refused(tmp_path: Path):
    for text in ("", "{", "[]", '{"jobs": [1]}', '{"jobs": [{"test": "line"}]}'):
        (tmp_path / folders.PLANNED).write_text(text)
        with pytest.raises(BadInput, match=r"campaign\.json: found \w+ in it"):
            folders.planned(tmp_path)


def fill(path: Path, at: "multiprocessing.Queue[str]") -> None:
    """Append in a process that may write files of 2000 bytes, as if there was no more room on the disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    with Folder(path) as folder:
        try:
            for seed in range(100):
                folder.append(result(seed))
        except NoRoom as error:
            at.put(str(error))


def test_a_full_disk_is_told_and_leaves_no_half_a_result_to_be_taken_for_a_whole_one(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    said: multiprocessing.Queue[str] = context.Queue()
    filler = context.Process(target=fill, args=(tmp_path, said))
    filler.start()
    sentence = said.get(timeout=60)
    filler.join(timeout=60)
    assert sentence.startswith(f"{tmp_path / RESULTS}: found ")
    whole = folders.results(tmp_path)
    assert whole
    assert sorted(whole) == sorted(f"line-{seed}-10" for seed in range(len(whole)))
    (tmp_path / folders.PLANNED).write_text('{"jobs": []}')
    with Folder(tmp_path) as folder:
        folder.append(result(77))
    assert set(folders.results(tmp_path)) == {*whole, "line-77-10"}

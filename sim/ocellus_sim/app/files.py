"""The pictures, records and timelines that a run leaves in its folder."""

from collections.abc import Sequence
from pathlib import Path

from ocellus.decode_command import as_json_line
from ocellus.decoder import decode, frames
from ocellus.formats import Mode
from ocellus_sim.crop import save_crop

from . import pictures
from .exposure import FrameResult
from .plan import Plan
from .timeline import write_timelines

CROP = "crop.png"


def write_files(folder: Path, plan: Plan, results: Sequence[FrameResult]) -> None:
    """Pictures of every frame (the first without a number in its names), records, bytes and the timeline."""
    classes = plan.file.class_names
    images = plan.options.mode != Mode.METADATA
    with (
        (folder / "metadata.jsonl").open("w") as lines,
        (folder / "metadata.bin").open("wb") as records,
    ):
        for result in results:
            lines.writelines(as_json_line(record.named(classes)) + "\n" for record in result.records)
            records.write(_record_packets(result))
    for result in results:
        end = f"-{result.index}" if result.index else ""
        found = [o for record in result.records for o in record.objects]
        want, got = result.want, result.got
        pictures.save_scene(folder / f"scene{end}.png", want.rgb)
        pictures.save_overlay(folder / f"overlay{end}.png", want.rgb, result.scene, found, classes)
        # What the gateware had, where all of it came.
        tensor = got.tensor.reshape(want.tensor.shape) if got.tensor.size == want.tensor.size else want.tensor
        output = got.output if got.output.size == want.output.size else want.output
        pictures.save_tensor(folder / f"tensor{end}.png", tensor)
        pictures.save_heatmap(folder / f"heatmap{end}.png", output, plan.file, plan.options.frame, found)
        if images:
            _, lines_out, _ = decode(got.link)
            for shown in frames(lines_out):
                pictures.save_raw(folder / f"image{end}.png", shown.raw)
    if images:
        (folder / "link.bin").write_bytes(b"".join(result.got.link for result in results))
    write_timelines(folder, plan, [result.got for result in results])


def write_crop(folder: Path, results: Sequence[FrameResult]) -> str | None:
    """The picture of the run's first difference, if it is one of elements: its name."""
    different = next((check.difference for r in results if (check := r.first_difference)), None)
    return CROP if different is not None and save_crop(folder / CROP, different) else None


def _record_packets(result: FrameResult) -> bytes:
    """The packets of the link's bytes that carry records, as they left."""
    link, kept, start = result.got.link, b"", 0
    for word, last in enumerate(result.got.packet_ends):
        if last:
            end = 8 * (word + 1)
            kept += link[start:end] if link[start + 2] == 1 else b""
            start = end
    return kept

"""Photographs and Bayer files of every kind become frames; anything else is one clear sentence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ocellus.errors import BadInput
from ocellus.settings import FrameFormat
from ocellus_sim.golden import isp
from ocellus_sim.scenes import isp_settings, load_frame
from ocellus_sim.scenes.camera import BLACK

FRAME = FrameFormat(64, 36, 80, 40)
DATA = Path(__file__).parents[3] / "shared" / "data"


def painted(width: int = 96, height: int = 70) -> Image.Image:
    """A smooth picture whose corners all differ."""
    y, x = np.mgrid[:height, :width]
    levels = np.stack([40 + 150 * x / width, 60 + 120 * y / height, 200 - 120 * x / width], axis=-1)
    return Image.fromarray(levels.astype(np.uint8))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I", "F", "I;16"])
def test_every_mode_of_pillow_becomes_a_frame(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.asarray(painted().convert("L")).astype(np.uint16) * 257)
    elif mode == "PA":
        image = painted().convert("P")
        image.info["transparency"] = 0
    else:
        image = painted().convert(mode)
    suffix = {"CMYK": "tif", "YCbCr": "tif", "F": "tif", "I": "tif", "RGBX": "tif"}.get(mode, "png")
    path = tmp_path / f"picture.{suffix}"
    image.save(path)
    raw = load_frame(path, FRAME)
    assert raw.shape == (36, 64)
    assert raw.dtype == np.uint16
    assert BLACK < raw.mean() < 1023
    assert raw.max() <= 1023


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tif", "ppm", "tga", "jp2"])
def test_every_common_file_format_becomes_a_frame(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{suffix}"
    painted().save(path)
    assert load_frame(path, FRAME).shape == (36, 64)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (63, 37), (4000, 30), (64, 36)])
def test_any_size_covers_the_frame(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    painted(*size).save(path)
    assert load_frame(path, FRAME).min() > BLACK


def test_the_image_processor_shows_the_photograph_again(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    picture = painted(64, 36)
    picture.save(path)
    rgb = isp.process(load_frame(path, FRAME), isp_settings()).astype(int)
    want = np.asarray(picture).astype(int).reshape(18, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(rgb - want).max() <= 6


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path: Path) -> None:
    upright, sideways = tmp_path / "a.png", tmp_path / "b.png"
    picture = painted(64, 36)
    picture.save(upright)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees counter-clockwise to see it upright
    picture.transpose(Image.Transpose.ROTATE_90).save(sideways, exif=exif)
    assert np.array_equal(load_frame(upright, FRAME), load_frame(sideways, FRAME))


def test_a_large_photograph_is_cropped_about_its_centre(tmp_path: Path) -> None:
    path = tmp_path / "tall.png"
    tall = np.zeros((100, 64, 3), np.uint8)
    tall[32:68] = 255
    Image.fromarray(tall).save(path)
    assert load_frame(path, FRAME).min() > 400


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2"])
def test_colour_arrays_become_frames(dtype: str, tmp_path: Path) -> None:
    levels = np.asarray(painted()).astype(dtype) * (257 if np.dtype(dtype).itemsize == 2 else 1)
    np.save(tmp_path / "rgb.npy", levels)
    np.save(tmp_path / "rgba.npy", np.concatenate([levels, levels[..., :1]], axis=-1))
    painted().save(tmp_path / "rgb.png")
    want = load_frame(tmp_path / "rgb.png", FRAME)
    assert np.array_equal(load_frame(tmp_path / "rgb.npy", FRAME), want)
    assert np.array_equal(load_frame(tmp_path / "rgba.npy", FRAME), want)


def test_a_bayer_array_of_the_frames_size_passes_unaltered(tmp_path: Path) -> None:
    raw = np.random.default_rng(1).integers(0, 1024, (36, 64)).astype(np.uint16)
    np.save(tmp_path / "bayer.npy", raw)
    assert np.array_equal(load_frame(tmp_path / "bayer.npy", FRAME), raw)
    np.save(tmp_path / "swapped.npy", raw.astype(">u2"))
    assert np.array_equal(load_frame(tmp_path / "swapped.npy", FRAME), raw)
    (tmp_path / "bayer.raw").write_bytes(raw.astype("<u2").tobytes())
    assert np.array_equal(load_frame(tmp_path / "bayer.raw", FRAME), raw)


def test_a_bayer_array_of_bytes_is_brought_to_ten_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "bayer.npy", np.full((36, 64), 200, np.uint8))
    assert (load_frame(tmp_path / "bayer.npy", FRAME) == 800).all()


@pytest.mark.parametrize("size", [(2, 2), (16, 16), (17, 31), (30, 100), (100, 30), (101, 203)])
def test_bayer_sites_keep_their_colours_in_any_size(size: tuple[int, int], tmp_path: Path) -> None:
    """A flat field with one level a site: wherever the array lands, each site has its own level or black."""
    height, width = size
    quad = np.array([[500, 600], [700, 800]], np.uint16)
    np.save(tmp_path / "bayer.npy", np.tile(quad, (height // 2 + 1, width // 2 + 1))[:height, :width])
    raw = load_frame(tmp_path / "bayer.npy", FRAME)
    for row in range(2):
        for column in range(2):
            site = raw[row::2, column::2]
            assert set(np.unique(site)) <= {BLACK, quad[row, column]}
            assert quad[row, column] in site


def test_a_small_bayer_array_is_repeated_by_a_whole_factor(tmp_path: Path) -> None:
    raw = np.random.default_rng(1).integers(100, 1024, (12, 32)).astype(np.uint16)
    np.save(tmp_path / "bayer.npy", raw)
    frame = load_frame(tmp_path / "bayer.npy", FRAME)
    assert (frame[:6] == BLACK).all()
    assert (frame[30:] == BLACK).all()
    assert np.array_equal(frame[6:8, 0:2], raw[:2, :2])
    assert np.array_equal(frame[8:10, 2:4], raw[:2, :2])
    assert np.array_equal(frame[10:12, 4:6], raw[2:4, 2:4])


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load_frame(path, FRAME)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize("name", ["none.png", "none.npy", "none.raw"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["empty.png", "empty.npy", "empty.raw"])
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    refusal(tmp_path / name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "tif", "gif"):
        path = tmp_path / f"picture.{suffix}"
        painted(400, 300).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "not a readable image" in refusal(path)


def test_an_image_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    painted(8, 8).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 60000, 60000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    assert "too large" in refusal(path)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((36, 64), np.nan), "found float64, allowed uint8 and uint16"),
        (np.zeros((36, 64), np.int16), "found int16"),
        (np.zeros((36, 64), np.complex64), "found complex64"),
        (np.zeros((36, 64), "U3"), "found <U3"),
        (np.zeros(64, np.uint8), "found shape (64,)"),
        (np.zeros((36, 64, 2), np.uint8), "found shape (36, 64, 2)"),
        (np.zeros((2, 3, 4, 5), np.uint8), "found shape (2, 3, 4, 5)"),
        (np.zeros((0, 64), np.uint8), "(0, 64)"),
        (np.zeros((1, 64), np.uint8), "found shape (1, 64)"),
        (np.full((36, 64), 1024, np.uint16), "found a level of 1024, allowed 0 to 1023"),
    ],
)
def test_an_array_of_the_wrong_kind_is_refused(array: np.ndarray, said: str, tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", array)
    assert said in refusal(tmp_path / "array.npy")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.array([[{}, []]], object), allow_pickle=True)
    refusal(tmp_path / "array.npy")


def test_an_array_shorter_than_its_header_says_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros((36, 64), np.uint8))
    content = (tmp_path / "array.npy").read_bytes().replace(b"(36, 64)", b"(9999999, 9999999)")
    (tmp_path / "array.npy").write_bytes(content)
    refusal(tmp_path / "array.npy")


def test_a_raw_file_of_an_unknown_size_is_told_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "frame.raw").write_bytes(bytes(1001))
    message = refusal(tmp_path / "frame.raw")
    assert "found 1001 bytes" in message
    assert "64x36" in message
    assert "1920x1080" in message


def test_a_raw_file_with_more_than_ten_bits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frame.bin").write_bytes(np.full((36, 64), 4095, "<u2").tobytes())
    assert "found a level of 4095" in refusal(tmp_path / "frame.bin")


@pytest.mark.parametrize("name", ["odd\0name.png", "a" * 5000 + ".png"])
def test_an_impossible_path_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        load_frame(name, FRAME)


_HEADS = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF89a", b"II*\0", b"\x93NUMPY\x01\0", b"P6\n"]
)


@given(head=_HEADS, body=st.binary(max_size=300), suffix=st.sampled_from([".png", ".npy", ".raw", ".jpg", ""]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes_give_a_frame_or_a_sentence(head: bytes, body: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"bytes{suffix}"
    path.write_bytes(head + body)
    try:
        raw = load_frame(path, FRAME)
    except BadInput as error:
        assert "\n" not in str(error)  # noqa: PT017  # both outcomes are allowed
    else:
        assert raw.shape == (36, 64)


@pytest.mark.skipif(not DATA.exists(), reason="the public test data is not here")
@pytest.mark.parametrize("name", ["scenes/board_4032x3024.jpg", "bayer/openISP_test_1920x1080_u16le_rggb.raw"])
def test_public_pictures_become_4k_frames(name: str) -> None:
    raw = load_frame(DATA / name)
    assert raw.shape == (2160, 3840)
    assert raw.std() > 50

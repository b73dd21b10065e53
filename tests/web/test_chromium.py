"""Pictures of pages by the real Chromium of this machine."""

import base64
import io
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from newsletter.errors import ConfigError
from newsletter.web.chromium import TALLEST, Browser, find_chromium
from tests.cli.conftest import Door
from tests.conftest import needs


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needs("chromium")
    with Browser() as browser:
        yield browser


def seen(browser: Browser, html: str, *, width: int = 400, dark: bool = False) -> Image.Image:
    picture = browser.picture(html, width=width, dark=dark)
    return Image.open(io.BytesIO(picture)).convert("RGB")


def square(colour: str) -> str:
    file = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def test_a_long_page_is_taken_to_its_end_and_a_short_one_no_further(browser: Browser) -> None:
    long = "<!DOCTYPE html><body style='margin:0'><p style='margin:0;height:4990px'></p>"
    image = seen(browser, long + "<p style='margin:0;height:10px;background:#00f'></p>", width=375)
    assert image.size == (375, 5000)
    assert image.getpixel((100, 4980)) == (255, 255, 255)
    assert image.getpixel((100, 4999)) == (0, 0, 255)
    short = seen(browser, "<!DOCTYPE html><body style='margin:0'><p style='margin:0;height:120px'></p>")
    assert short.size == (400, 120)


def test_a_page_without_end_is_cut_off(browser: Browser) -> None:
    image = seen(browser, "<body style='margin:0'><p style='height:99999px'></p>", width=50)
    assert image.size == (50, TALLEST)


def test_the_page_knows_its_width_and_whether_it_is_dark(browser: Browser) -> None:
    html = (
        "<style>body { background: #ff0000 } @media (max-width: 480px) { body { background: #00ff00 } }"
        "@media (prefers-color-scheme: dark) { body { background: #000000 } }</style><p>Un mot.</p>"
    )
    assert seen(browser, html, width=700).getpixel((2, 2)) == (255, 0, 0)
    assert seen(browser, html, width=375).getpixel((2, 2)) == (0, 255, 0)
    assert seen(browser, html, width=375, dark=True).getpixel((2, 2)) == (0, 0, 0)
    assert seen(browser, html, width=700).getpixel((2, 2)) == (255, 0, 0)


def test_pictures_in_the_page_are_shown_even_far_down_and_in_frames(browser: Browser) -> None:
    frame = f"<body style='margin:0'><img src='{square('#00ff00')}'>"
    html = (
        f'<body style="margin:0"><iframe sandbox srcdoc="{frame}" style="border:0;display:block"></iframe>'
        f'<p style="height:5000px;margin:0"></p><img loading="lazy" src="{square("#ff0000")}">'
    )
    image = seen(browser, html)
    assert image.getpixel((5, 5)) == (0, 255, 0)
    assert image.getpixel((5, 5155)) == (255, 0, 0)


def test_a_picture_is_drawn_the_same_wherever_it_stands(browser: Browser) -> None:
    drawing = Image.effect_noise((200, 91), 80).convert("RGB")
    file = io.BytesIO()
    drawing.save(file, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    shown = f"<img style='width:110px;height:auto;display:block' src='{source}'>"
    images = [
        seen(browser, f"<!DOCTYPE html><body style='margin:0'><p style='margin:0;height:{top}px'></p>{shown}")
        for top in (20, 20.3, 20.7)
    ]
    parts = [image.crop((0, image.height - 50, 110, image.height)).tobytes() for image in images]
    assert parts[0] == parts[1] == parts[2]


def test_scripts_do_not_run(browser: Browser) -> None:
    html = "<body style='background:#fff'><script>document.body.style.background = '#f00'</script>"
    assert seen(browser, html).getpixel((5, 5)) == (255, 255, 255)


def test_nothing_is_loaded_by_name_by_address_or_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("chromium")
    door = Door()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{door.port}")
    hosts = ("127.0.0.1", "localhost", "[::1]", "www.example.org")
    pictures = "".join(f"<img src='http://{host}:{door.port}/x.png'>" for host in hosts)
    frame = f"<iframe src='http://127.0.0.1:{door.port}/'></iframe>"
    style = f"<link rel='stylesheet' href='http://127.0.0.1:{door.port}/x.css'>"
    with Browser() as browser:
        browser.picture(style + pictures + frame, width=400)
    assert door.nobody_knocked()
    door.close()


def test_the_same_page_gives_the_same_picture(browser: Browser) -> None:
    html = "<p style='font:16px serif'>Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes de kiwis."
    assert browser.picture(html, width=375) == browser.picture(html, width=375)


def test_nothing_is_left_of_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("chromium")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def running() -> bool:
        return str(tmp_path) in subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout

    with Browser() as browser:
        browser.picture("<p>Un mot.", width=100)
        assert list(tmp_path.iterdir())
        assert running()
    assert list(tmp_path.iterdir()) == []
    until = time.monotonic() + 5
    while running():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_machine_without_a_browser_is_told_how_to_come_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError) as caught:
        find_chromium()
    assert str(caught.value) == "chromium: pictures are taken by Chromium, which is not installed"
    assert caught.value.hint == "apt install chromium, or run it without pictures"


def test_a_browser_that_cannot_start_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho 'no usable sandbox' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as caught, Browser() as browser:
        browser.picture("<p>Un mot.", width=100)
    assert str(caught.value) == f"{program}: the browser has ended (no usable sandbox)"

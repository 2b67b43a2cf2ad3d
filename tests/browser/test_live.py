"""Painting on the device: live from a camera, from a local film, and without a network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Download, Page, Playwright, Route, expect

from .conftest import DESKTOP, FLAGS, PHONE, ROOT, Site, chromium_path
from .films import film_of, short_film
from .steps import INGEST_MS, SWAN, ask, fill_in_sign_up, handle_of, sign_up
from .test_pages import findings_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900, method="thread")]

Shoot = Callable[[Page, str], None]
OpenCamera = Callable[..., Page]
CAMERA = ["--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required"]
ALLOWED = ["camera", "microphone"]
# Networks are fetched and compiled, on two busy processors.
FIRST_FRAME_MS = 60_000
RESTYLE_MS = 240_000
WIDTH, HEIGHT = 32, 18
SYNC_SECONDS = 0.080
# A frame of the camera, and the 21 ms that a packet of sound is long.
FRAME_SECONDS = 1 / 30 + 0.021
NO_TRACK_PROCESSOR = "delete globalThis.MediaStreamTrackProcessor;"
# The painter is asked to compute in this way, whatever the page wishes for.
ASKING_FOR = """globalThis.used = [];
globalThis.Worker = class extends Worker {
  constructor(...all) {
    super(...all);
    this.addEventListener("message", ({ data }) => data.answer?.backend && used.push(data.answer.backend));
  }
  postMessage(message, transfer) {
    if (message.kind === "open") message.ask.backend = "BACKEND";
    super.postMessage(message, transfer);
  }
};"""
# What the document still has of its camera when it is left is written down for the next one to read.
LEFT_BEHIND = """(() => {
  const frames = [], tracks = [];
  globalThis.MediaStreamTrackProcessor = class extends MediaStreamTrackProcessor {
    constructor(options) {
      super(options);
      if (options.track.kind !== "video") return;
      tracks.push(options.track);
      const reader = this.readable.getReader();
      const read = reader.read.bind(reader);
      reader.read = async () => {
        const result = await read();
        if (result.value) frames.push(result.value);
        return result;
      };
      Object.defineProperty(this, "readable", { value: { getReader: () => reader } });
    }
  };
  addEventListener("pagehide", () => document.addEventListener("visibilitychange", () => {
    const held = frames.filter(({ format }) => format !== null).length;
    sessionStorage.left = JSON.stringify([tracks.map(({ readyState }) => readyState), frames.length > 0, held]);
  }));
})();"""
WORKERS_READY = """async () => {
    const registrations = await navigator.serviceWorker.getRegistrations();
    return registrations.length > 0 && registrations.every(({ active }) => active?.state === "activated");
}"""
NO_ENCODER = "delete globalThis.VideoEncoder; delete globalThis.AudioEncoder;"


@pytest.fixture(scope="module")
def camera_browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, *CAMERA])
    yield browser
    browser.close()


@pytest.fixture
def open_camera(camera_browser: Browser, site: Site) -> Iterator[OpenCamera]:
    """Open a page in a profile whose camera is Chromium's own: a disc that is eaten, a clock, and beeps."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(
        viewport: dict[str, int] = DESKTOP, *, permissions: list[str] | None = None, before: str = "", **more: Any
    ) -> Page:
        options: dict[str, Any] = {"base_url": site.address, "viewport": viewport, **more}
        context = camera_browser.new_context(**options, permissions=ALLOWED if permissions is None else permissions)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if before:
            page.add_init_script(before)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def open_record(page: Page) -> None:
    page.goto("/record")
    expect(page.locator("canvas[data-painted=true]")).to_be_visible(timeout=FIRST_FRAME_MS)


def record(page: Page, seconds: float) -> None:
    """Record this long and stop; three seconds are counted down before."""
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(seconds * 1000)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=30_000)


def downloaded(page: Page, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    film: Download = waiting.value
    path = folder / film.suggested_filename
    film.save_as(path)
    return path


def thumbs_of(film: Path) -> list[np.ndarray]:
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24", width=WIDTH, height=HEIGHT) for frame in container.decode(video=0)]
    return [frame.astype(float) for frame in frames]


def sound_of(film: Path) -> tuple[np.ndarray, int, float]:
    """Return samples, their rate, and the time in seconds at which they begin."""
    with av.open(str(film)) as container:
        frames = list(container.decode(audio=0))
    first, rate = frames[0], frames[0].sample_rate
    assert first.pts is not None
    assert first.time_base is not None
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
    pieces = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    return np.concatenate(pieces), rate, float(first.pts * first.time_base)


def length_of(film: Path) -> float:
    with av.open(str(film)) as container:
        assert container.duration is not None, "the film does not say how long it is"
        return container.duration / av.time_base


def ends_of(film: Path) -> tuple[float, float]:
    """Return when the picture ends and when the sound does, in seconds from the picture's beginning."""
    begins: dict[str, float] = {}
    ends: dict[str, float] = {}
    with av.open(str(film)) as container:
        for packet in container.demux():
            if packet.pts is not None and packet.time_base is not None:
                begin, kind = float(packet.pts * packet.time_base), packet.stream.type
                begins[kind] = min(begin, begins.get(kind, begin))
                ends[kind] = max(begin + float((packet.duration or 0) * packet.time_base), ends.get(kind, 0))
    return ends["video"] - begins["video"], ends["audio"] - begins["video"]


def mean_colour(frames: list[np.ndarray]) -> np.ndarray:
    return np.mean([frame.mean(axis=(0, 1)) for frame in frames], axis=0)


def clip_file(page: Page, folder: Path) -> Path:
    """Fetch the file of the clip that the page shows."""
    clip = page.request.get(f"/api/v1/clips/{page.url.rsplit('/', 1)[1]}/").json()
    path = folder / "clip.mp4"
    path.write_bytes(page.request.get(clip["video_url"]).body())
    assert clip["has_audio"]
    return path


def test_five_seconds_are_recorded_painted_and_become_a_clip_with_sound(
    open_camera: OpenCamera, shoot: Shoot, tmp_path: Path
) -> None:
    page = open_camera(PHONE)
    sign_up(page)
    open_record(page)
    page.get_by_role("switch", name="Keep the camera's film too").check()
    shoot(page, "phone-record")

    record(page, 5)
    shoot(page, "phone-record-review")
    painted = downloaded(page, tmp_path)
    page.get_by_role("button", name="Camera").click()
    raw = downloaded(page, tmp_path)
    page.get_by_role("button", name="Painted").click()
    page.get_by_role("button", name="Use it").click()

    expect(page).to_have_url(re.compile("/clip/"), timeout=INGEST_MS)
    clip = clip_file(page, tmp_path)
    assert length_of(painted) == pytest.approx(5, abs=1.2)
    assert length_of(clip) == pytest.approx(length_of(painted), abs=0.15)
    # Chromium's camera is green: the painting of it is not, and the clip is the painting.
    as_painted, as_clip, as_seen = (mean_colour(thumbs_of(film)) for film in (painted, clip, raw))
    assert np.abs(as_clip - as_painted).max() < 12
    assert np.abs(as_clip - as_seen).max() > 40
    samples, _, _ = sound_of(clip)
    assert np.abs(samples).max() > 0.02, "the beeps are not there"


def shown(page: Page) -> np.ndarray:
    """Return a small copy of what the page shows of the camera, (18, 32, 3) levels 0..255."""
    levels = ask(
        page,
        """(canvas) => {
            const ink = new OffscreenCanvas(32, 18).getContext("2d");
            ink.drawImage(canvas, 0, 0, 32, 18);
            return Array.from(ink.getImageData(0, 0, 32, 18).data);
        }""",
        page.locator("canvas").element_handle(),
    )
    return np.array(levels, dtype=float).reshape(HEIGHT, WIDTH, 4)[..., :3]


def wait_for_change(page: Page, before: np.ndarray, levels: float) -> np.ndarray:
    """Wait until the picture as a whole has another colour than before."""
    for _ in range(60):
        page.wait_for_timeout(500)
        after = shown(page)
        if np.abs(after.mean(axis=(0, 1)) - before.mean(axis=(0, 1))).max() > levels:
            return after
    pytest.fail("the picture has not changed")


def test_styles_strength_and_ones_own_picture_change_what_is_seen(open_camera: OpenCamera, shoot: Shoot) -> None:
    page = open_camera(DESKTOP)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    open_record(page)
    night = shown(page)

    page.get_by_role("button", name="The Scream").click()
    scream = wait_for_change(page, night, 20)
    page.locator("label.style-pick input[type=file]").set_input_files(
        ROOT / "stylization/presets/mondrian-composition-red-blue-yellow.jpg"
    )
    expect(page.get_by_role("button", name="mondrian-composition")).to_have_attribute("aria-pressed", "true")
    mondrian = wait_for_change(page, scream, 20)
    shoot(page, "desktop-record-own-picture")
    page.get_by_role("slider", name="Strength").fill("0")
    wait_for_change(page, mondrian, 10)

    # One's own picture was looked at here.
    assert sent == []


# A wall whose left half lights up and a tone, once a second and at the same moment, in place of camera and microphone.
CLAPPER = """
navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const ink = canvas.getContext("2d");
    const context = new AudioContext();
    void context.resume();
    const tone = context.createOscillator();
    const volume = context.createGain();
    const microphone = context.createMediaStreamDestination();
    volume.gain.value = 0;
    tone.frequency.value = 1000;
    tone.connect(volume).connect(microphone);
    tone.start();
    let lit = false;
    setInterval(() => {
        const now = performance.now() % 1000 < 300;
        if (now !== lit) volume.gain.value = now ? 0.5 : 0;
        lit = now;
        ink.fillStyle = lit ? "#fff" : "#000";
        ink.fillRect(0, 0, 320, 480);
        // The other half stays as it is, so that the scene as a whole is steady.
        for (let stripe = 0; stripe < 8; stripe++) {
            ink.fillStyle = `hsl(${stripe * 45} 60% 50%)`;
            ink.fillRect(320 + stripe * 40, 0, 40, 480);
        }
    }, 10);
    const stream = canvas.captureStream(30);
    stream.addTrack(microphone.stream.getAudioTracks()[0]);
    return stream;
};
"""


def onsets(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return when something that is off or on goes on: in the middle between two looks, since nobody saw when."""
    low, high = np.percentile(values, [15, 85])
    on = values > (low + high) / 2
    return ((times[1:] + times[:-1]) / 2)[on[1:] & ~on[:-1]]


def lit_half(frame: av.VideoFrame) -> float:
    # The page shows and records the front camera as a mirror does.
    pixels = frame.to_ndarray(format="gray")
    return float(pixels[:, pixels.shape[1] // 2 + 20 :].mean())


@pytest.mark.parametrize("missing", ["", NO_ENCODER], ids=["webcodecs", "no-webcodecs"])
def test_picture_and_sound_are_together(open_camera: OpenCamera, tmp_path: Path, missing: str) -> None:
    page = open_camera(DESKTOP, before=CLAPPER + missing)
    open_record(page)
    # Long enough for both clocks to have met their quickest arrival.
    page.wait_for_timeout(2000)

    record(page, 8)
    film = downloaded(page, tmp_path)

    with av.open(str(film)) as container:
        frames = [(frame.time, lit_half(frame)) for frame in container.decode(video=0)]
    flashes = onsets(np.array([level for _, level in frames]), np.array([time for time, _ in frames]))
    if len(flashes) < 6:
        pytest.skip(f"too busy to say: only {len(frames)} frames were painted, and {len(flashes)} flashes seen")
    samples, rate, begin = sound_of(film)
    window = rate // 200
    loudness = np.abs(samples[: len(samples) // window * window]).reshape(-1, window).max(axis=1)
    beeps = onsets(loudness, begin + np.arange(len(loudness)) * window / rate)
    apart = [float(beep - flashes[np.argmin(np.abs(flashes - beep))]) for beep in beeps]
    assert len(apart) >= 6
    print("sound minus picture, ms:", [round(gap * 1000) for gap in apart])  # noqa: T201
    assert abs(float(np.median(apart))) <= SYNC_SECONDS, apart


# From the moment it says so, every painting takes a second and a half.
LAGGING_PAINTER = """
const send = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, transfer) {
    const pass = () => send.call(this, message, transfer);
    if (window.lags && message.kind === "paint") window.lags.push(setTimeout(pass, 1500));
    else pass();
};
"""


@pytest.mark.parametrize("missing", ["", NO_ENCODER], ids=["webcodecs", "no-webcodecs"])
def test_a_painter_that_lags_does_not_shorten_the_picture(
    open_camera: OpenCamera, tmp_path: Path, missing: str
) -> None:
    page = open_camera(DESKTOP, before=LAGGING_PAINTER + missing)
    open_record(page)
    ask(page, "() => { window.lags = []; return true; }")

    record(page, 5)
    film = downloaded(page, tmp_path)

    picture, sound = ends_of(film)
    assert sound > 4
    # Not shorter by more than a frame; where frames are slow, its own last piece may make it two longer.
    assert -FRAME_SECONDS <= picture - sound <= 2 * FRAME_SECONDS
    assert ask(page, "() => window.lags.length") < 12


def test_a_pause_is_not_in_the_film(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP)
    open_record(page)
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Pause recording").click()
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="Go on recording").click()
    page.wait_for_timeout(1500)

    page.get_by_role("button", name="Stop recording").click()
    film = downloaded(page, tmp_path)

    assert length_of(film) == pytest.approx(3, abs=1)


@pytest.mark.parametrize(
    "missing", [NO_TRACK_PROCESSOR, NO_TRACK_PROCESSOR + NO_ENCODER], ids=["no-track-processor", "no-webcodecs"]
)
def test_browsers_that_have_less_record_all_the_same(open_camera: OpenCamera, tmp_path: Path, missing: str) -> None:
    page = open_camera(DESKTOP, before=missing)
    open_record(page)

    record(page, 4)
    film = downloaded(page, tmp_path)

    assert length_of(film) == pytest.approx(4, abs=1.2)
    assert len(thumbs_of(film)) > 8
    samples, _, _ = sound_of(film)
    assert np.abs(samples).max() > 0.02, "the beeps are not there"


def test_a_recording_outlives_a_reload(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP)
    open_record(page)
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(5000)

    page.reload()
    expect(page.get_by_text("is still here")).to_be_visible(timeout=FIRST_FRAME_MS)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=30_000)
    film = downloaded(page, tmp_path)

    assert length_of(film) > 2
    assert len(thumbs_of(film)) > 10


def test_a_document_that_is_left_gives_the_camera_back_with_all_its_frames(open_camera: OpenCamera) -> None:
    """Chromium shows the next one nothing while some frames of the same camera are held."""
    page = open_camera(DESKTOP, before=LEFT_BEHIND)
    open_record(page)

    for _ in range(4):
        page.reload()
        assert ask(page, "() => JSON.parse(sessionStorage.left)") == [["ended"], True, 0]
        expect(page.locator("canvas[data-painted=true]")).to_be_visible(timeout=FIRST_FRAME_MS)


def test_what_one_tab_records_no_other_offers_until_that_is_gone(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)
    open_record(page)
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(2000)
    other = page.context.new_page()

    open_record(other)
    expect(other.get_by_role("button", name="Start recording")).to_be_enabled(timeout=FIRST_FRAME_MS)
    other.wait_for_timeout(2000)
    assert other.get_by_text("is still here").count() == 0

    page.close()
    other.reload()
    expect(other.get_by_text("is still here")).to_be_visible(timeout=FIRST_FRAME_MS)


def test_without_permission_the_page_says_what_to_do(open_camera: OpenCamera, shoot: Shoot) -> None:
    page = open_camera(PHONE, permissions=[])
    page.goto("/record")

    expect(page.get_by_role("alert")).to_contain_text("The camera is not allowed", timeout=FIRST_FRAME_MS)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    shoot(page, "phone-record-denied")
    assert findings_of(page) == []


def test_networks_that_this_site_did_not_sign_are_refused_and_not_kept(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/models/" in request.url else None)

    def tamper(route: Route) -> None:
        manifest = route.fetch().json()
        route.fulfill(json={**manifest, "files": [{**file, "sha256": "0" * 64} for file in manifest["files"]]})

    page.context.route("**/api/v1/model-releases/?*", tamper)
    page.goto("/record")

    expect(page.get_by_role("alert")).to_contain_text("The network is not from this site", timeout=FIRST_FRAME_MS)
    assert fetched == []
    assert ask(page, "async () => (await (await caches.open('impasto-models')).keys()).length") == 0


UNPLUG = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await ask(wish);
    window.unplug = () => {
        for (const track of stream.getVideoTracks()) {
            track.stop();
            track.dispatchEvent(new Event("ended"));
        }
    };
    return stream;
};
"""


def assert_film_ends(page: Page, cause: str, said: str, folder: Path, *, after_ms: int) -> None:
    """Record until something ends it: that is said, and what was recorded is a film."""
    open_record(page)
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(after_ms)

    ask(page, cause)

    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(said)).to_be_visible()
    assert length_of(downloaded(page, folder)) > 1.5


def test_when_the_camera_is_unplugged_what_was_recorded_is_a_film(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP, before=UNPLUG)
    assert_film_ends(page, "() => unplug()", "The camera is gone", tmp_path, after_ms=3000)


# A white square on black, in place of the camera, and a phone that can be turned: the square stays one.
TURNING = """
navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const ink = canvas.getContext("2d");
    window.turn = () => Object.assign(canvas, { width: 360, height: 640 });
    setInterval(() => {
        const { width, height } = canvas;
        ink.fillStyle = "#000";
        ink.fillRect(0, 0, width, height);
        ink.fillStyle = "#fff";
        ink.fillRect(width / 2 - 80, height / 2 - 80, 160, 160);
    }, 30);
    return canvas.captureStream(30);
};
"""


def square_of(film: Path) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Return the size of a film's last picture, and how wide and how high what is bright in its middle is."""
    with av.open(str(film)) as container:
        *_, last = (frame.to_ndarray(format="gray") for frame in container.decode(video=0))
    height, width = last.shape
    across, down = last[height // 2] > 128, last[:, width // 2] > 128
    return last.shape, (int(across.sum()), int(down.sum()))


def test_a_phone_that_is_turned_while_it_films_squashes_nothing(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP, before=TURNING)
    open_record(page)
    # The picture as it is.
    page.get_by_role("slider", name="Strength").fill("0")
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(2000)

    ask(page, "() => void turn()")
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=30_000)

    size, (wide, high) = square_of(downloaded(page, tmp_path))
    assert size == (360, 640)
    assert wide == pytest.approx(160 * 640 / 360, rel=0.15)
    assert high == pytest.approx(wide, rel=0.15)


# An encoder that can be told to give up, as one of a device that runs out of memory does.
FRAIL_ENCODER = """
globalThis.VideoEncoder = class extends VideoEncoder {
    constructor(init) {
        super(init);
        window.giveUp = () => {
            this.close();
            init.error(new DOMException("no memory", "EncodingError"));
        };
    }
};
"""


def test_when_the_encoder_gives_up_what_was_recorded_is_a_film_at_once(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP, before=FRAIL_ENCODER)
    assert_film_ends(page, "() => giveUp()", "could not be written to its end", tmp_path, after_ms=5000)


def test_a_local_film_is_painted_here_and_nothing_is_sent(
    open_camera: OpenCamera, shoot: Shoot, tmp_path: Path
) -> None:
    page = open_camera(DESKTOP)
    sign_up(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    film = short_film(tmp_path / "hills.mp4", frames=30)
    page.goto("/restyle-here")
    page.locator("label.door input[type=file]").set_input_files(film, timeout=FIRST_FRAME_MS)
    page.get_by_role("button", name="256p").click()
    shoot(page, "desktop-restyle-here")

    page.get_by_role("button", name="Paint it here").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=RESTYLE_MS)
    painted = downloaded(page, tmp_path)

    assert sent == []
    before, after = thumbs_of(film), thumbs_of(painted)
    assert len(after) == len(before)
    assert length_of(painted) == pytest.approx(length_of(film), abs=0.1)
    assert np.mean([np.abs(one - other).mean() for one, other in zip(before, after, strict=True)]) > 15
    samples, _, _ = sound_of(painted)
    assert np.abs(samples).max() > 0.1
    page.get_by_role("button", name="Use it").click()
    expect(page).to_have_url(re.compile("/clip/"), timeout=INGEST_MS)


def drifting(kind: str, count: int) -> list[np.ndarray]:
    """A scene in slow motion: a dim wall with soft folds, or a bright board with hard edges."""
    rows, columns = np.mgrid[:180, :320]
    frames = []
    for index in range(count):
        if kind == "dim":
            folds = 12 * np.sin((columns + index) / 25) + 6 * np.sin(rows / 15)
            frame = np.stack([30 + folds / 2, 36 + folds / 2, 60 + folds], axis=-1)
        else:
            board = ((columns + index) // 24 + rows // 24) % 2
            frame = np.stack([250 - 120 * board, 220 - 190 * board, 40 + 60 * board], axis=-1)
        frames.append(frame.clip(0, 255).astype(np.uint8))
    return frames


def painted_here(page: Page, film: Path, folder: Path) -> list[np.ndarray]:
    """Paint a film with the first style on the page and return small copies of its frames."""
    page.locator("label.door input[type=file]").set_input_files(film, timeout=FIRST_FRAME_MS)
    page.get_by_role("button", name="256p").click()
    page.get_by_role("button", name="Paint it here").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=RESTYLE_MS)
    painted = thumbs_of(downloaded(page, folder))
    page.get_by_role("button", name="Paint again").click()
    return painted


def test_both_scenes_of_a_local_film_are_painted_as_if_each_were_alone(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP)
    page.goto("/restyle-here")
    dim, bright = drifting("dim", 12), drifting("bright", 12)
    # The same two scenes as one: between them there is no moment at which one ends and the other begins.
    shares = np.linspace(0, 1, 14)[1:-1]
    between = [(dim[-1] * (1 - share) + bright[0] * share).astype(np.uint8) for share in shares]

    cut = painted_here(page, film_of(tmp_path / "cut.mp4", dim + bright), tmp_path)
    faded = painted_here(page, film_of(tmp_path / "faded.mp4", dim + between + bright), tmp_path)
    dim_alone = painted_here(page, film_of(tmp_path / "dim.mp4", dim), tmp_path)
    bright_alone = painted_here(page, film_of(tmp_path / "bright.mp4", bright), tmp_path)

    assert len(cut) == 24
    for number, (alone, at) in enumerate([(dim_alone, slice(0, 12)), (bright_alone, slice(-12, None))]):
        apart, together = (
            float(np.mean([np.abs(one - other).mean() for one, other in zip(film[at], alone, strict=True)]))
            for film in (cut, faded)
        )
        print(f"scene {number}: {apart:.1f} levels from itself alone, {together:.1f} if measured with the other")  # noqa: T201
        assert apart < 4
        assert together > 3 * apart


def test_painting_a_local_film_can_be_cancelled(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)
    page.goto("/restyle-here")
    page.locator("label.door input[type=file]").set_input_files(SWAN, timeout=FIRST_FRAME_MS)
    page.get_by_role("button", name="Paint it here").click()
    expect(page.get_by_role("progressbar")).to_be_visible()

    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("button", name="Paint it here")).to_be_enabled()


def test_whoever_leaves_while_a_film_is_painted_is_asked_first(open_camera: OpenCamera, shoot: Shoot) -> None:
    page = open_camera(DESKTOP)
    page.goto("/restyle-here")
    page.locator("label.door input[type=file]").set_input_files(SWAN, timeout=FIRST_FRAME_MS)
    page.locator('a[href="/lab/speed"]').click()
    ask(page, "() => history.back()")
    page.locator("label.door input[type=file]").set_input_files(SWAN, timeout=FIRST_FRAME_MS)
    page.get_by_role("button", name="Paint it here").click()
    expect(page.get_by_role("progressbar")).to_be_visible()

    page.locator('nav a[href="/search"]').first.click()
    page.get_by_role("dialog").get_by_role("button", name="Go on painting").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("progressbar")).to_be_visible()
    ask(page, "() => history.forward()")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page).to_have_url(re.compile("/restyle-here$"))
    shoot(page, "desktop-leave-painting")
    page.set_viewport_size({"width": 390, "height": 844})
    shoot(page, "phone-leave-painting")
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()

    expect(page).to_have_url(re.compile("/lab/speed$"))
    expect(page.get_by_role("dialog")).to_have_count(0)


def excess_of(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = ask(page, "() => document.documentElement.scrollWidth - innerWidth")
    return max(0, wide)


def test_a_guest_on_a_phone_has_the_painted_film_again_after_signing_up(
    open_camera: OpenCamera, tmp_path: Path
) -> None:
    page = open_camera(PHONE)
    film = short_film(tmp_path / "PXL_20260131_120000000_as_long_as_phones_make_it_without_a_gap.mp4", frames=30)
    excess: dict[str, int] = {}
    page.goto("/restyle-here")
    page.locator("label.door input[type=file]").set_input_files(film, timeout=FIRST_FRAME_MS)
    page.get_by_role("button", name="256p").click()
    excess["chosen"] = excess_of(page)
    page.get_by_role("button", name="Paint it here").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    excess["painting"] = excess_of(page)
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=RESTYLE_MS)
    excess["painted"] = excess_of(page)

    page.get_by_role("button", name="Use it").click()
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_role("main").get_by_role("link", name="Sign up").click()
    fill_in_sign_up(page)

    expect(page).to_have_url(re.compile("/restyle-here"))
    assert length_of(downloaded(page, tmp_path)) == pytest.approx(length_of(film), abs=0.1)
    page.get_by_role("button", name="Use it").click()
    expect(page).to_have_url(re.compile("/clip/"), timeout=INGEST_MS)
    assert {state: wide for state, wide in excess.items() if wide} == {}


def test_recording_stays_on_a_phones_page(open_camera: OpenCamera) -> None:
    page = open_camera(PHONE)
    excess: dict[str, int] = {}
    open_record(page)
    excess["ready"] = excess_of(page)
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible(timeout=10_000)
    excess["recording"] = excess_of(page)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=30_000)
    excess["review"] = excess_of(page)

    assert {state: wide for state, wide in excess.items() if wide} == {}


def test_what_is_no_film_is_refused_here_too(open_camera: OpenCamera, tmp_path: Path) -> None:
    page = open_camera(DESKTOP)
    fake = tmp_path / "holiday.mp4"
    fake.write_bytes(b"this is not a video at all\n" * 100)
    page.goto("/restyle-here")

    page.locator("label.door input[type=file]").set_input_files(fake, timeout=FIRST_FRAME_MS)

    expect(page.get_by_role("alert")).to_contain_text("That is not a film")


def test_after_one_visit_it_records_without_a_network_and_uploads_once_there_is_one(
    open_camera: OpenCamera, tmp_path: Path
) -> None:
    page = open_camera(DESKTOP)
    sign_up(page)
    open_record(page)
    # Until the workers have everything, and the shelf of styles lies in the cache.
    handle_of(page, WORKERS_READY)
    handle_of(page, "async () => (await (await caches.open('impasto-styles')).keys()).length > 30")
    # What a browser kept by itself it may throw away at any time.
    tools = page.context.new_cdp_session(page)
    tools.send("Network.clearBrowserCache")
    tools.detach()
    page.context.set_offline(True)

    open_record(page)
    expect(page.get_by_role("button", name="The Starry Night")).to_be_visible()
    record(page, 3)
    assert length_of(downloaded(page, tmp_path)) > 1.5
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text("It is uploaded when you are back")).to_be_visible()
    page.context.set_offline(False)

    expect(page).to_have_url(re.compile("/clip/"), timeout=INGEST_MS)


def test_the_service_worker_leaves_other_pages_alone(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)
    open_record(page)
    handle_of(page, "async () => (await navigator.serviceWorker.ready).active?.state === 'activated'")

    page.goto("/search")

    assert ask(page, "() => navigator.serviceWorker.controller") is None


def test_only_the_painters_scripts_may_compile_webassembly(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)
    policies: dict[str, str] = {}
    page.on("response", lambda answer: policies.update({answer.url: answer.headers.get("content-security-policy", "")}))

    open_record(page)

    allowed = [url for url, policy in policies.items() if "wasm-unsafe-eval" in policy]
    assert allowed
    assert all(re.search(r"/assets/(painter|ort-wasm)-", url) for url in allowed)
    # The page itself may not: its networks run nowhere but in the worker.
    assert (
        ask(
            page,
            """() => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(
            () => "compiled", (error) => error.name)""",
        )
        == "CompileError"
    )


def test_the_speed_of_this_device_is_measured_and_can_be_copied(open_camera: OpenCamera, shoot: Shoot) -> None:
    page = open_camera(DESKTOP)
    page.goto("/lab/speed")
    page.get_by_role("button", name="Measure").click()

    expect(page.get_by_role("button", name="Copy the result")).to_be_visible(timeout=RESTYLE_MS)
    rows = page.get_by_role("row")
    assert rows.count() >= 3
    numbers = [float(text) for text in page.locator("tbody td:nth-child(5)").all_inner_texts()]
    assert all(0.1 < number < 1000 for number in numbers)
    agreements = page.locator("tbody td:last-child").all_inner_texts()
    assert all(text == "–" or float(text.removesuffix(" dB")) > 40 for text in agreements)
    assert "256×256" in page.locator(".speed-text").inner_text()
    shoot(page, "desktop-speed")
    assert findings_of(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.fixture(scope="module")
def gpu_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser with WebGPU and no graphics processor: SwiftShader computes it, which comes with Chromium."""
    swiftshader = ["--enable-features=Vulkan", "--use-vulkan=swiftshader", "--use-webgpu-adapter=swiftshader"]
    flags = [*FLAGS, "--enable-unsafe-webgpu", "--ignore-gpu-blocklist", *swiftshader]
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=flags)
    yield browser
    browser.close()


@pytest.mark.webgpu
def test_webgpu_paints_what_webassembly_paints(gpu_browser: Browser, site: Site, tmp_path: Path) -> None:
    # As small as can be: an ordinary processor computes what is written for a thousand small ones.
    film = film_of(tmp_path / "bright.mp4", [frame[:64, :96] for frame in drifting("bright", 3)])
    painted: dict[str, list[np.ndarray]] = {}
    for backend in ("wasm", "webgpu"):
        with gpu_browser.new_context(base_url=site.address) as context:
            page = context.new_page()
            page.add_init_script(ASKING_FOR.replace("BACKEND", backend))
            page.goto("/restyle-here")
            painted[backend] = painted_here(page, film, tmp_path)
            assert page.evaluate("used") == [backend]

    difference = float(np.square(np.array(painted["wasm"]) - np.array(painted["webgpu"])).mean())
    assert difference < 255**2 / 10**4  # 40 dB
    assert np.std(painted["webgpu"][0]) > 5


def test_webgpu_that_is_computed_by_the_ordinary_processor_is_left_alone(gpu_browser: Browser, site: Site) -> None:
    with gpu_browser.new_context(base_url=site.address) as context:
        page = context.new_page()
        with page.expect_request(re.compile(r"/ort-wasm.*\.wasm"), timeout=FIRST_FRAME_MS) as runtime:
            page.goto("/restyle-here")

        assert "asyncify" not in runtime.value.url  # what WebGPU needs


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_pages_are_usable_by_everybody(open_camera: OpenCamera, shoot: Shoot, viewport: dict[str, int]) -> None:
    page = open_camera(viewport)
    kind = "phone" if viewport is PHONE else "desktop"
    open_record(page)
    shoot(page, f"{kind}-record-page")
    findings = findings_of(page)
    small = ask(
        page,
        """() => [...document.querySelectorAll("main button, main label.style-pick")].filter((one) => {
            const { width, height } = one.getBoundingClientRect();
            return width < 44 || height < 44;
        }).map((one) => one.getAttribute("aria-label") ?? one.textContent)""",
    )
    page.goto("/restyle-here")
    expect(page.get_by_role("button", name="Paint it here")).to_be_visible(timeout=FIRST_FRAME_MS)
    shoot(page, f"{kind}-restyle-here-page")
    findings += findings_of(page)
    assert findings == []
    assert small == []

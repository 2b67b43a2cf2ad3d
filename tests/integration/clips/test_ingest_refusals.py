"""Files nobody wants, each refused in words, and the walls around the process that reads them."""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from clips.ingest import sandbox
from clips.ingest.bounds import MEBI, WORDS, Bounds, Refusal
from clips.ingest.worker import PACKAGES, make_mezzanine
from tests.media import flat, frames_of, hum, make_sound_file, make_video, moving, truncated

Ingest = Callable[..., Path]


def refused(ingest: Ingest, path: Path, *bounds: Bounds) -> Refusal:
    with pytest.raises(Refusal) as caught:
        ingest(path, *bounds)
    refusal = caught.value
    assert (refusal.title, bool(refusal.detail)) == (WORDS[refusal.code][0], True)
    return refusal


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds that take their time."""
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    path = tmp_path_factory.mktemp("noisy") / "in.mp4"
    return make_video(path, (np.roll(noise, 9 * index, 1) for index in range(150)), options={"crf": "28"})


class TestWhatIsNoVideo:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "not_a_video"),
            (b"hello", "not_a_video"),
            (os.urandom(5000), "not_a_video"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_video"),
            (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "playlist_refused"),
            (b"\xef\xbb\xbf#EXTM3U\nhttp://127.0.0.1/secret.ts\n", "playlist_refused"),
            (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist_refused"),
            (b"file '/etc/passwd'\nduration 5\n", "playlist_refused"),
            (b"[playlist]\nFile1=/etc/passwd\n", "playlist_refused"),
            (b"<?xml version='1.0'?>\n<MPD><BaseURL>file:///etc/passwd</BaseURL></MPD>", "playlist_refused"),
            (b"RIFF\x24\x00\x00\x00AVI LIST", "container_not_allowed"),
            (b"GIF89a\x01\x00\x01\x00", "container_not_allowed"),
            (b"OggS\x00\x02", "container_not_allowed"),
            (b"\x89PNG\r\n\x1a\n", "not_a_video"),
        ],
        ids=["empty", "text", "noise", "svg", "HLS", "HLS with a mark", "ffconcat", "concat", "PLS", "DASH", "AVI",
             "GIF", "Ogg", "PNG"],
    )  # fmt: skip
    def test_it_is_refused_by_its_bytes_whatever_its_name(
        self, tmp_path: Path, ingest: Ingest, content: bytes, code: str
    ) -> None:
        path = tmp_path / "clip.mp4"
        path.write_bytes(content)

        assert refused(ingest, path).code == code

    @pytest.mark.parametrize("name", ["clip.avi", "clip.ts", "clip.flv"])
    def test_other_containers_are_refused_by_kind(self, tmp_path: Path, ingest: Ingest, name: str) -> None:
        source = make_video(tmp_path / name, moving(count=30))
        disguised = source.rename(tmp_path / "clip.mp4")

        assert refused(ingest, disguised).code == "container_not_allowed"

    def test_a_file_with_an_mp4_header_and_rubbish_is_refused(self, tmp_path: Path, ingest: Ingest) -> None:
        path = tmp_path / "clip.mp4"
        path.write_bytes(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + os.urandom(20_000))

        assert refused(ingest, path).code in ("truncated", "damaged")

    def test_an_mp4_that_points_to_another_file_reads_nothing_of_it(self, tmp_path: Path, ingest: Ingest) -> None:
        """QuickTime knows references to other files; a stranger's must lead nowhere."""
        secret = make_video(tmp_path / "secret.mov", flat((200, 40, 40), count=5))
        data = bytearray(secret.read_bytes())
        # "self-contained" is the flag of the url entry; without it libav may look for another file.
        at = data.index(b"dref") + 4 + 8 + 8
        data[at : at + 4] = b"\x00\x00\x00\x00"
        data[data.index(b"mdat") + 4 : data.index(b"moov") - 4] = bytes(data.index(b"moov") - data.index(b"mdat") - 8)
        path = tmp_path / "clip.mp4"
        path.write_bytes(bytes(data))

        assert refused(ingest, path).code in ("damaged", "truncated")

    def test_sound_alone_is_no_video(self, tmp_path: Path, ingest: Ingest) -> None:
        assert refused(ingest, make_sound_file(tmp_path / "song.mp4")).code == "no_video_stream"

    def test_a_cover_picture_is_no_video(self, tmp_path: Path, ingest: Ingest) -> None:
        path = tmp_path / "song.mp4"
        with av.open(str(path), "w") as container:
            cover: Any = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
            cover.disposition = 0x400
            voice: Any = container.add_stream("aac", rate=48_000)
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(cover.encode(picture.reformat(format="yuvj420p")))
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            frame.sample_rate = 48_000
            container.mux(voice.encode(frame))
            container.mux(cover.encode(None))
            container.mux(voice.encode(None))

        assert refused(ingest, path).code == "no_video_stream"


class TestWhatIsNotWhole:
    @pytest.mark.parametrize("name", ["in.mp4", "in.mov", "in.mkv", "in.webm"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
    def test_a_truncated_file_is_refused(self, tmp_path: Path, ingest: Ingest, name: str, share: float) -> None:
        codec = "libvpx" if name.endswith("webm") else "libx264"
        whole = make_video(tmp_path / name, moving(count=50), codec=codec)

        assert refused(ingest, truncated(tmp_path / f"cut-{name}", whole, share=share)).code == "truncated"

    def test_one_whose_index_comes_first_is_refused_as_well(self, tmp_path: Path, ingest: Ingest) -> None:
        whole = make_video(tmp_path / "in.mp4", moving(count=50), container_options={"movflags": "+faststart"})

        assert refused(ingest, truncated(tmp_path / "cut.mp4", whole, share=0.7)).code == "truncated"

    def test_one_whose_samples_are_gone_is_refused(self, tmp_path: Path, ingest: Ingest) -> None:
        """Boxes that are whole, around nothing: what the index points to is not in the file."""
        whole = make_video(tmp_path / "in.mp4", moving(count=50), container_options={"movflags": "+faststart"})
        data = whole.read_bytes()
        at = data.index(b"mdat")
        kept = data[at + 4 : at + 4 + (len(data) - at) // 3]
        path = tmp_path / "cut.mp4"
        path.write_bytes(data[: at - 4] + (len(kept) + 8).to_bytes(4, "big") + b"mdat" + kept)

        assert refused(ingest, path).code in ("truncated", "damaged")

    def test_one_full_of_noise_is_damaged(self, tmp_path: Path, ingest: Ingest) -> None:
        whole = make_video(tmp_path / "in.mp4", moving(count=50))
        data = bytearray(whole.read_bytes())
        start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
        noise = np.random.default_rng(5).integers(0, 256, end - start, np.uint8).tobytes()
        data[start:end] = noise
        path = tmp_path / "noise.mp4"
        path.write_bytes(bytes(data))

        assert refused(ingest, path).code in ("damaged", "truncated")

    def test_one_scratch_is_no_reason(self, tmp_path: Path, ingest: Ingest) -> None:
        # Key frames only: the scratch cannot spread.
        whole = make_video(tmp_path / "in.mp4", moving(count=100), options={"g": "1"})
        with av.open(str(whole)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            place, size = packets[50].pos, packets[50].size
        data = bytearray(whole.read_bytes())
        assert place is not None
        data[place + 4 : place + size] = bytes(size - 4)
        path = tmp_path / "scratched.mp4"
        path.write_bytes(bytes(data))

        assert len(frames_of(ingest(path))) == 100

    def test_a_file_without_a_single_track_is_damaged(self, tmp_path: Path, ingest: Ingest) -> None:
        data = make_video(tmp_path / "in.mkv", moving(count=10)).read_bytes()
        tracks = b"\x16\x54\xae\x6b"  # the element's name; an unknown one of the same size is passed over
        path = tmp_path / "in.webm"
        path.write_bytes(data.replace(tracks, b"\x16\x54\xae\x6c"))

        assert refused(ingest, path).code == "damaged"

    def test_a_title_in_an_old_encoding_is_no_reason(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mp4", moving(count=10), metadata={"title": "Mein Caf@"})
        data = source.read_bytes()
        path = tmp_path / "latin.mp4"
        path.write_bytes(data.replace(b"Caf@", "Café".encode("latin1")))
        assert path.read_bytes() != data

        assert len(frames_of(ingest(path))) == 10

    def test_a_recording_of_a_browser_that_names_no_length_is_read(self, tmp_path: Path, ingest: Ingest) -> None:
        live = make_video(tmp_path / "in.webm", moving(count=30), codec="libvpx", container_options={"live": "1"})

        assert len(frames_of(ingest(live))) == 30


class TestWhatIsTooMuch:
    def test_a_bomb_of_pixels_is_refused_by_its_header(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(
            tmp_path / "in.mp4", flat((0, 0, 0), 8192, 8192, 1), options={"preset": "ultrafast", "crf": "51"}
        )

        refusal = refused(ingest, source)

        assert refusal.code == "too_many_pixels"
        assert "8192 × 8192" in refusal.detail

    def test_a_bomb_whose_header_lies_is_refused_as_well(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mp4", flat((0, 0, 0), 5000, 4000, 2))
        data = source.read_bytes()
        lying = tmp_path / "lying.mp4"
        lying.write_bytes(data.replace((5000).to_bytes(2) + (4000).to_bytes(2), (50).to_bytes(2) + (40).to_bytes(2)))
        assert lying.read_bytes() != data

        assert refused(ingest, lying).code in ("too_many_pixels", "damaged")

    def test_a_stream_that_swells_in_the_middle_is_stopped(self, tmp_path: Path, ingest: Ingest) -> None:
        small = make_video(tmp_path / "a.webm", moving(count=5), codec="libvpx", rate=5)
        large = make_video(tmp_path / "b.webm", flat((0, 0, 0), 640, 480, 2), codec="libvpx", rate=5)
        path = tmp_path / "in.webm"
        with av.open(str(path), "w") as target, av.open(str(small)) as one, av.open(str(large)) as two:
            stream = target.add_stream_from_template(one.streams.video[0])
            for at, packet in enumerate([p for c in (one, two) for p in c.demux() if p.size]):
                packet.pts, packet.dts, packet.duration, packet.time_base = at, at, 1, Fraction(1, 5)
                packet.stream = stream
                target.mux(packet)

        assert refused(ingest, path, Bounds(pixels_max=100_000)).code in ("too_many_pixels", "damaged")

    def test_ten_minutes_are_refused_by_the_header(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mp4", flat((0, 0, 0), count=60), rate=Fraction(1, 10))

        refusal = refused(ingest, source, Bounds())

        assert refusal.code == "too_long"
        assert "600 seconds" in refusal.detail

    def test_ten_minutes_that_no_header_tells_are_refused(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(
            tmp_path / "in.webm", flat((0, 0, 0), count=60), rate=Fraction(1, 10), codec="libvpx",
            container_options={"live": "1"},
        )  # fmt: skip

        assert refused(ingest, source, Bounds()).code == "too_long"

    def test_a_minute_and_a_few_frames_is_a_minute(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mp4", flat((90, 90, 90), count=52), rate=10)

        mezzanine = ingest(source, Bounds(seconds_max=5.0))

        assert len(frames_of(mezzanine)) == 50

    @pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
    def test_a_thousand_frames_a_second_are_refused(self, tmp_path: Path, ingest: Ingest, name: str) -> None:
        source = make_video(tmp_path / name, flat((0, 0, 0), 32, 32, 500), rate=1000, options={"bf": "0"})

        refusal = refused(ingest, source)

        assert refusal.code == "frame_rate_too_high"
        assert "1000 frames" in refusal.detail

    def test_too_many_bytes_are_refused(self, tmp_path: Path, ingest: Ingest) -> None:
        assert refused(ingest, make_video(tmp_path / "in.mp4"), Bounds(bytes_max=1000)).code == "too_large"

    def test_too_many_tracks_are_refused(self, tmp_path: Path, ingest: Ingest) -> None:
        path = tmp_path / "in.mkv"
        with av.open(str(path), "w") as container:
            voices: list[Any] = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(20)]
            for voice in voices:
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
                frame.sample_rate = 8000
                container.mux(voice.encode(frame))

        assert refused(ingest, path).code == "too_many_streams"


class TestCodecs:
    @pytest.mark.parametrize(
        ("name", "codec", "pix_fmt"),
        [("in.mkv", "mpeg2video", "yuv420p"), ("in.mkv", "ffv1", "yuv420p"), ("in.mov", "qtrle", "rgb24"),
         ("in.mkv", "mpeg1video", "yuv420p"), ("in.mov", "png", "rgb24")],
    )  # fmt: skip
    def test_a_codec_that_is_not_listed_is_refused_by_name(
        self, tmp_path: Path, ingest: Ingest, name: str, codec: str, pix_fmt: str
    ) -> None:
        refusal = refused(ingest, make_video(tmp_path / name, codec=codec, pix_fmt=pix_fmt))

        assert refusal.code == "codec_not_allowed"
        assert codec in refusal.detail

    def test_sound_of_a_codec_that_is_not_listed_is_refused(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mkv", sound=hum, audio_codec="mp2")

        refusal = refused(ingest, source)

        assert refusal.code == "codec_not_allowed"
        assert "mp2" in refusal.detail


class TestTheProcess:
    def test_a_full_disk_is_said(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mp4", moving(count=50))
        folder = tmp_path / "work"
        folder.mkdir()
        (folder / "video.mp4").symlink_to("/dev/full")  # the system's own full disk

        assert refused(ingest, source).code == "disk_full"

    def test_more_output_than_allowed_ends_it(self, tmp_path: Path, ingest: Ingest) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (20, 240, 320, 3), np.uint8)
        source = make_video(tmp_path / "in.mp4", iter(noise))

        assert refused(ingest, source, Bounds(output_bytes=50_000)).code == "too_costly"

    @pytest.mark.parametrize("mebi", [350, 450])
    def test_more_memory_than_allowed_ends_it(self, tmp_path: Path, ingest: Ingest, mebi: int) -> None:
        black = np.zeros((2880, 4096, 3), np.uint8)
        source = make_video(tmp_path / "in.mp4", (black for _ in range(8)), options={"tune": "zerolatency"})

        assert refused(ingest, source, Bounds(memory_bytes=mebi * MEBI)).code == "too_costly"

    def test_more_processor_time_than_allowed_ends_it(self, noisy: Path, ingest: Ingest) -> None:

        assert refused(ingest, noisy, Bounds(cpu_seconds=1)).code == "too_costly"

    def test_more_time_than_allowed_ends_it_and_the_process(self, noisy: Path, ingest: Ingest) -> None:
        assert refused(ingest, noisy, Bounds(wall_seconds=0.0)).code == "too_costly"
        assert children_of_this() == []

    def test_whoever_does_not_want_it_any_more_ends_it(self, noisy: Path, tmp_path: Path) -> None:
        def cancel(**said: Any) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make_mezzanine(noisy, tmp_path, Bounds(), cancel)
        assert children_of_this() == []

    def test_progress_only_grows(self, noisy: Path, tmp_path: Path) -> None:
        heard: list[dict[str, Any]] = []

        make_mezzanine(noisy, tmp_path, Bounds(), lambda **said: heard.append(said))

        progress = [said["progress"] for said in heard]
        assert len(heard) >= 2
        assert progress == sorted(progress)
        assert progress[-1] <= 0.9
        assert {said["stage"] for said in heard} <= {"checking", "converting"}
        assert heard[-1]["frames_total"] == 150

    def test_it_dies_with_its_parent(self, noisy: Path, tmp_path: Path) -> None:
        """`kill -9` of the worker leaves nobody who goes on decoding."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\n"
            "from clips.ingest.bounds import Bounds\nfrom clips.ingest.worker import make_mezzanine\n"
            "make_mezzanine(Path(sys.argv[2]), Path(sys.argv[3]), Bounds(), lambda **said: print('on', flush=True))\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code, str(PACKAGES), str(noisy), str(tmp_path)], stdout=subprocess.PIPE
        )
        assert parent.stdout is not None
        with parent:
            parent.stdout.readline()
            (child,) = children_of(parent.pid)

            parent.kill()

        wait_until_gone(child)


LANDLOCK = sys.platform == "linux" and ctypes.CDLL(None).syscall(sandbox.CREATE_RULESET, None, 0, sandbox.VERSION) > 0


class TestTheWalls:
    """Tried in a process of its own, as there is no way back."""

    def behind_walls(self, code: str, *, read: Path | None = None, write: Path | None = None) -> Any:
        prologue = (
            "import sys, json, os; sys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\n"
            "from clips.ingest import child, sandbox\nfrom clips.ingest.bounds import Bounds\n"
            "import socket, subprocess, threading, signal\nsandbox.limit(Bounds())\n"
            "reads, writes = ([Path(name)] if name else [] for name in sys.argv[2:])\n"
            "walls = sandbox.confine(reads=reads, writes=writes)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", prologue + code, str(PACKAGES), str(read or ""), str(write or "")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout.splitlines()[-1])

    def tried(self, call: str, **files: Path) -> str:
        return self.behind_walls(
            f"try:\n    {call}\n    print(json.dumps('done'))\n"
            "except Exception as error: print(json.dumps(type(error).__name__))\n",
            **files,
        )

    @pytest.mark.skipif(sys.platform != "linux", reason="the calls are filtered by Linux")
    @pytest.mark.parametrize(
        "call",
        [
            "socket.create_connection(('127.0.0.1', 80), 1)",
            "socket.socket(socket.AF_UNIX)",
            "socket.socketpair()",
            "subprocess.run(['/bin/true'])",
            "os.fork()",
            "os.execv('/bin/true', ['true'])",
            "os.kill(os.getppid(), 0)",
            "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)",
        ],
    )
    def test_network_programs_and_signals_are_out_of_reach(self, call: str) -> None:
        assert self.tried(call) == "PermissionError"

    @pytest.mark.skipif(sys.platform != "linux", reason="the calls are filtered by Linux")
    def test_threads_and_files_are_not(self) -> None:
        assert self.tried("t = threading.Thread(target=lambda: None); t.start(); t.join()") == "done"
        assert self.tried("open('/dev/null').read()") == "done"
        assert "seccomp" in self.behind_walls("print(json.dumps(walls))\n")

    @pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock")
    def test_files_of_others_are_out_of_reach(self, tmp_path: Path) -> None:
        upload, work = tmp_path / "upload.part", tmp_path / "work"
        upload.write_bytes(b"film")
        (tmp_path / "secret_key").write_text("do not tell")
        work.mkdir()
        files = {"read": upload, "write": work}

        for refused in (
            f"open({str(tmp_path / 'secret_key')!r}).read()",
            f"os.listdir({str(tmp_path)!r})",
            f"open({str(upload)!r}, 'ab')",
            f"open({str(tmp_path / 'new')!r}, 'w')",
            f"os.unlink({str(upload)!r})",
            f"os.symlink('/etc/passwd', {str(work / 'link')!r})",
            "open('/etc/passwd').read()",
            f"open('/proc/{os.getpid()}/environ').read()",
        ):
            assert self.tried(refused, **files) == "PermissionError", refused
        for allowed in (
            f"open({str(upload)!r}).read()",
            f"open({str(work / 'video.mp4')!r}, 'w').write('x')",
            f"os.unlink({str(work / 'video.mp4')!r})",
            "open('/proc/self/status').read()",
            "import wave",
        ):
            assert self.tried(allowed, **files) == "done", allowed

    @pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock")
    def test_a_file_that_our_own_walls_refuse_is_not_called_damaged(self, tmp_path: Path) -> None:
        video = make_video(tmp_path / "in.mp4", moving(count=10))
        call = f"child._work(Path({str(video)!r}), Path({str(tmp_path)!r}), Bounds(), child._Voice())"

        assert self.tried(call, write=tmp_path / "elsewhere") == "PermissionError"
        assert self.tried(call, read=video, write=tmp_path) == "done"

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no walls at all")
    def test_a_kernel_without_landlock_still_has_the_other_walls(self) -> None:
        with_old_kernel = "sandbox.CREATE_RULESET = 1023\nprint(json.dumps(sandbox.confine()))\n"

        assert "landlock" not in self.behind_walls(with_old_kernel)

    def test_the_environment_of_the_child_holds_no_secrets(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[dict[str, str]] = []
        start: Any = subprocess.Popen

        def spy(*arguments: Any, env: dict[str, str], **named: Any) -> Any:
            seen.append(env)
            return start(*arguments, env=env, **named)

        monkeypatch.setenv("IMPASTO_SECRET_KEY", "do not tell")
        monkeypatch.setattr(subprocess, "Popen", spy)
        make_mezzanine(make_video(tmp_path / "in.mp4"), tmp_path, Bounds(), lambda **said: None)

        assert not {name for name in seen[0] if "IMPASTO" in name or "DJANGO" in name or "DATABASE" in name}

    def test_an_unknown_machine_is_no_reason_to_stop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox.sys, "platform", "darwin")

        assert sandbox.confine() == []


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def children_of_this() -> list[int]:
    return [pid for pid in children_of(os.getpid()) if "clips.ingest" in Path(f"/proc/{pid}/cmdline").read_text()]


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < until, "it went on alone"
        time.sleep(0.02)

"""How much a sound may be, and the words in which one is refused."""

from clips.ingest.bounds import MEBI, Bounds, Refusal

SECONDS_MAX = 600.0
BYTES_MAX = 20 * MEBI
BOUNDS = Bounds(
    seconds_max=SECONDS_MAX,
    bytes_max=BYTES_MAX,
    cpu_seconds=240,
    wall_seconds=240.0,
    memory_bytes=3072 * MEBI,
    output_bytes=64 * MEBI,
)
ACCEPTED = "MP3, M4A (AAC), OGG (Vorbis, Opus), WAV, FLAC or WebM (Opus)"

WORDS = {
    "not_a_sound": ("This is not a sound", f"The file is not a sound that can be read. Send {ACCEPTED}."),
    "not_only_sound": ("This is a video", f"There is a moving picture in it. Send only its sound: {ACCEPTED}."),
    "no_sound": ("There is no sound in it", "Nothing can be heard in this file."),
    "codec_not_allowed": ("It is coded in a way that is not accepted", f"Save it as {ACCEPTED} and send it again."),
    "truncated": (
        "The end of the sound is missing",
        "The file breaks off before its end. It was probably not copied or saved completely; send the whole file.",
    ),
    "damaged": ("The sound is damaged", "Parts of the file cannot be decoded. Save it again and send that."),
    "too_long": ("The sound is too long", f"At most {SECONDS_MAX / 60:.0f} minutes are accepted. Cut it first."),
    "too_many_streams": ("Too many tracks", "The file holds several tracks. Send one with a single track."),
    "too_large": ("The file is too large", f"At most {BYTES_MAX // MEBI} MB are accepted. Save it as MP3 or M4A."),
    "too_costly": ("It takes too much to decode", "Reading this file took more time or memory than a sound may take."),
    "disk_full": ("There is no room left on the server", "Nothing was lost. Try again later."),
}


def refusal(code: str) -> Refusal:
    """What is said of a sound, also where `clips.ingest` would speak of a video."""
    known = code if code in WORDS else "damaged"
    return Refusal.said(known, *WORDS[known])

import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Captions, CaptionsOff, Pause, Play, Volume2, VolumeX } from "lucide";

import { clock } from "../../viewmodel/i18n";
import { useT } from "../context";
import { IconButton } from "./basics";
import { CaptionTrack } from "./captions";
import { Compare } from "./compare";

const DRIFT = 0.06;

export const prefersCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A painted clip, beside its original where there is one; both run on one clock, the painted one's. */
export function Player({
  video,
  poster,
  captions = null,
  original,
  width,
  height,
  title,
}: {
  video: string;
  poster: string;
  /** WebVTT */
  captions?: string | null;
  original?: { video_url: string; poster_url: string } | null;
  width: number;
  height: number;
  title: string;
}) {
  const t = useT();
  const lead = useRef<HTMLVideoElement>(null);
  const follower = useRef<HTMLVideoElement>(null);
  const playing = useSignal(false);
  const muted = useSignal(true);
  const reading = useSignal(false);
  const at = useSignal(0);
  const length = useSignal(0);

  useEffect(() => {
    const main = lead.current!;
    let frame = 0;
    const tick = () => {
      at.value = main.currentTime;
      const second = follower.current;
      if (second && second.readyState > 0) {
        if (Math.abs(second.currentTime - main.currentTime) > DRIFT) second.currentTime = main.currentTime;
        if (second.paused !== main.paused) void (main.paused ? second.pause() : second.play().catch(ignore));
      }
      frame = requestAnimationFrame(tick);
    };
    tick();
    if (!prefersCalm()) void main.play().catch(ignore);
    return () => cancelAnimationFrame(frame);
  }, [video]);

  const toggle = () => {
    const main = lead.current!;
    if (main.paused) void main.play().catch(ignore);
    else main.pause();
  };

  const painted = (
    <video
      ref={lead}
      src={video}
      poster={poster}
      muted={muted.value}
      loop
      playsInline
      preload="auto"
      aria-label={title}
      onPlay={() => (playing.value = true)}
      onPause={() => (playing.value = false)}
      onLoadedMetadata={(event) => (length.value = event.currentTarget.duration)}
    >
      {captions && <CaptionTrack url={captions} on={reading.value} />}
    </video>
  );
  const bar = (
    <div class="player-bar">
      <IconButton
        icon={playing.value ? Pause : Play}
        label={t(playing.value ? "pause" : "play")}
        onClick={toggle}
      />
      <input
        type="range"
        class="scrub"
        min={0}
        max={length.value || 1}
        step={0.01}
        value={at.value}
        aria-label={t("position")}
        aria-valuetext={clock(at.value)}
        style={{ "--fill": `${length.value ? (at.value / length.value) * 100 : 0}%` }}
        onInput={(event) => (lead.current!.currentTime = event.currentTarget.valueAsNumber)}
      />
      <span class="player-time">
        {clock(at.value)} / {clock(length.value)}
      </span>
      {captions && (
        <IconButton
          icon={reading.value ? Captions : CaptionsOff}
          label={t(reading.value ? "captions_off" : "captions_on")}
          onClick={() => (reading.value = !reading.value)}
        />
      )}
      <IconButton
        icon={muted.value ? VolumeX : Volume2}
        label={t(muted.value ? "sound_on" : "sound_off")}
        onClick={() => (muted.value = !muted.value)}
      />
    </div>
  );

  return (
    <div class="player" style={{ "--ratio": `${width} / ${height}`, "--shape": width / height }}>
      {original ? (
        <Compare
          after={painted}
          before={
            <video
              ref={follower}
              src={original.video_url}
              poster={original.poster_url}
              muted
              loop
              playsInline
              preload="auto"
              aria-hidden="true"
              tabIndex={-1}
            />
          }
        >
          {bar}
        </Compare>
      ) : (
        <div class="compare alone">
          {painted}
          {bar}
        </div>
      )}
    </div>
  );
}

function ignore() {
  // A browser may refuse to start by itself; the play button is there.
}

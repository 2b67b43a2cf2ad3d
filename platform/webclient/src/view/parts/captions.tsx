import { useEffect, useRef } from "preact/hooks";

import { useT } from "../context";

/** Percent from the top: what a screen says of a video stands at its bottom. */
const LINE = 8;

/** The captions of a `<video>`, shown when they are wanted. A browser loads them only then. */
export function CaptionTrack({ url, on }: { url: string; on: boolean }) {
  const t = useT();
  const element = useRef<HTMLTrackElement>(null);
  useEffect(() => {
    element.current!.track.mode = on ? "showing" : "disabled";
  }, [url, on]);
  return <track ref={element} kind="captions" src={url} label={t("captions")} onLoad={raise} />;
}

function raise({ currentTarget: { track } }: { currentTarget: HTMLTrackElement }) {
  for (const cue of track.cues ?? []) {
    if (!(cue instanceof VTTCue)) continue;
    cue.snapToLines = false;
    cue.line = LINE;
  }
}

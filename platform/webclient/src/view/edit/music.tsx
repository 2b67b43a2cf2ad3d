import { useEffect, useRef } from "preact/hooks";
import { useModel, useSignalEffect } from "@preact/signals";
import { Music, Pause, Play, Search, Trash2, Upload } from "lucide";

import type { TextKey } from "../../i18n/en";
import type { Sound } from "../../model/types";
import { clock } from "../../viewmodel/i18n";
import { SoundShelf, type SoundShelfModel, tempos } from "../../viewmodel/sounds";
import { useApp, useOnce, useT } from "../context";
import {
  Button,
  Empty,
  Failure,
  IconButton,
  InlineProblem,
  Segmented,
  Skeleton,
  Spinner,
} from "../parts/basics";
import { Sentinel } from "../parts/cards";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";

const MOODS = new Set([
  "bright",
  "calm",
  "classical",
  "dark",
  "dramatic",
  "dreamy",
  "energetic",
  "happy",
  "playful",
  "retro",
  "sad",
  "tense",
  "warm",
]);

/** A shelf of music to listen to and choose from. */
export function MusicDialog({
  onChoose,
  onClose,
}: {
  onChoose: (sound: Sound) => void;
  onClose: () => void;
}) {
  const app = useApp();
  const t = useT();
  const shelf = useModel(() => new SoundShelf(app.editing()));
  useOnce(shelf.load);
  const choose = (sound: Sound) => {
    onChoose(sound);
    onClose();
  };
  return (
    <Dialog title={t("choose_music")} onClose={onClose} wide>
      <Filters shelf={shelf} onChoose={choose} />
      <InlineProblem problem={shelf.problem.value} />
      <List shelf={shelf} onChoose={choose} />
      <Listener shelf={shelf} />
    </Dialog>
  );
}

function Filters({ shelf, onChoose }: { shelf: SoundShelfModel; onChoose: (sound: Sound) => void }) {
  const t = useT();
  const moodName = (mood: string) => (MOODS.has(mood) ? t(`mood_${mood}` as TextKey) : mood);
  return (
    <div class="shelf-filters">
      <div class="row">
        <Segmented
          label={t("music")}
          value={shelf.kind.value}
          options={[
            { value: "library", text: t("music_library") },
            { value: "mine", text: t("music_mine") },
          ]}
          onChoose={shelf.show}
        />
        <label class="button quiet" aria-busy={shelf.phase.value === "sending"}>
          {shelf.phase.value === "sending" ? <Spinner /> : <Icon of={Upload} size={20} />}
          <span role="status">{t(shelf.phase.value === "sending" ? "music_sending" : "own_music")}</span>
          <input
            type="file"
            class="unseen"
            accept="audio/*,.mp3,.m4a,.wav,.ogg,.flac"
            disabled={shelf.phase.value === "sending"}
            onChange={async (event) => {
              const [file] = event.currentTarget.files ?? [];
              event.currentTarget.value = "";
              const sound = file && (await shelf.upload(file));
              if (sound) onChoose(sound);
            }}
          />
        </label>
      </div>
      <label class="search-box">
        <Icon of={Search} size={20} />
        <input
          type="search"
          value={shelf.words.value}
          placeholder={t("search_music")}
          aria-label={t("search_music")}
          onInput={(event) => shelf.search(event.currentTarget.value)}
        />
      </label>
      {shelf.kind.value === "library" && (
        <div class="row chips">
          {shelf.moods.value.map((mood) => (
            <button
              key={mood}
              type="button"
              class="chip"
              aria-pressed={shelf.mood.value === mood}
              onClick={() => shelf.feel(mood)}
            >
              {moodName(mood)}
            </button>
          ))}
          {tempos.map((tempo) => (
            <button
              key={tempo}
              type="button"
              class="chip"
              aria-pressed={shelf.tempo.value === tempo}
              onClick={() => shelf.pace(tempo)}
            >
              {t(`tempo_${tempo}`)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function List({ shelf, onChoose }: { shelf: SoundShelfModel; onChoose: (sound: Sound) => void }) {
  const t = useT();
  const { sounds } = shelf;
  if (sounds.phase.value === "failed")
    return <Failure problem={sounds.problem.value} onRetry={sounds.load} />;
  if (sounds.phase.value === "loading" && sounds.items.value.length === 0) {
    return (
      <div>
        <Skeleton kind="row" count={4} />
      </div>
    );
  }
  if (sounds.empty.value) {
    return (
      <Empty icon={Music} title={t("music_nothing")}>
        {t("music_nothing_text")}
      </Empty>
    );
  }
  return (
    <ul class="shelf">
      {sounds.items.value.map((sound) => (
        <SoundLine key={sound.id} shelf={shelf} sound={sound} onChoose={onChoose} />
      ))}
      {sounds.hasMore.value && (
        <li>
          <Sentinel onReach={sounds.more} />
        </li>
      )}
    </ul>
  );
}

function SoundLine({
  shelf,
  sound,
  onChoose,
}: {
  shelf: SoundShelfModel;
  sound: Sound;
  onChoose: (sound: Sound) => void;
}) {
  const t = useT();
  const isPlaying = shelf.playing.value?.id === sound.id;
  const facts = [
    sound.author,
    clock(sound.duration_seconds),
    sound.bpm ? t("bpm", { count: Math.round(sound.bpm) }) : "",
    sound.licence,
  ];
  return (
    <li>
      <IconButton
        icon={isPlaying ? Pause : Play}
        label={isPlaying ? t("stop_listening") : t("listen", { title: sound.title })}
        onClick={() => shelf.listen(sound)}
      />
      <div class="shelf-name">
        <strong>{sound.title || t("untitled")}</strong>
        <small>{facts.filter(Boolean).join(" · ")}</small>
        {sound.credit && <small>{sound.credit}</small>}
      </div>
      {sound.mine && (
        <IconButton
          icon={Trash2}
          label={t("delete_sound", { title: sound.title })}
          onClick={() => void shelf.remove(sound)}
        />
      )}
      <Button aria-label={t("use_music", { title: sound.title })} onClick={() => onChoose(sound)}>
        {t("use")}
      </Button>
    </li>
  );
}

/** Plays the one that one listens to. */
function Listener({ shelf }: { shelf: SoundShelfModel }) {
  const audio = useRef<HTMLAudioElement>(null);
  useSignalEffect(() => {
    const element = audio.current;
    const sound = shelf.playing.value;
    if (!element) return;
    if (!sound) return element.pause();
    element.src = sound.audio_url;
    void element.play().catch(() => undefined);
  });
  useEffect(() => () => audio.current?.pause(), []);
  return <audio ref={audio} onEnded={() => shelf.listen(null)} />;
}

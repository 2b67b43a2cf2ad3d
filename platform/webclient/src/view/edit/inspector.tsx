import { type ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { type Signal, useComputed, useSignalEffect } from "@preact/signals";
import {
  ArrowLeft,
  ArrowLeftToLine,
  ArrowRight,
  ArrowRightToLine,
  Blend,
  Bookmark,
  Check,
  Circle,
  Copy,
  Crop,
  Film,
  Gauge,
  Image,
  Mic,
  Music,
  Paintbrush,
  Palette,
  Ratio,
  RotateCw,
  Scissors,
  SlidersHorizontal,
  Square,
  Sticker,
  Trash2,
  TriangleAlert,
  Type,
  Undo2,
  Volume2,
} from "lucide";

import stickers from "../../../../../editor/stickers.json";
import {
  aspects,
  type Filters,
  fits,
  fonts,
  frameRates,
  type Segment,
  shortSides,
  stickerNames,
  type View,
} from "../../model/types";
import type { EditModel } from "../../viewmodel/edit";
import { clock } from "../../viewmodel/i18n";
import { useT } from "../context";
import { Button, Field, IconButton, InlineProblem, Segmented, Slider, Switch } from "../parts/basics";
import { Icon, type IconNode } from "../parts/icon";

export type PanelName =
  | "speed"
  | "volume"
  | "frame"
  | "crop"
  | "colours"
  | "transition"
  | "words"
  | "look"
  | "place"
  | "sticker"
  | "new-sticker"
  | "music"
  | "voice"
  | "recording"
  | "shape"
  | "cover";

interface Doors {
  addClip: () => void;
  chooseMusic: () => void;
  paint: (segment: Segment) => void;
}

interface Tool {
  name: string;
  icon: IconNode;
  label: string;
  /** Opens this panel … */
  panel?: PanelName;
  /** … or does this. */
  run?: () => void;
  disabled?: boolean;
  danger?: boolean;
}

/** What one can do with what is selected; with nothing selected, with the whole video. */
function useTools(edit: EditModel, doors: Doors): Tool[] {
  const t = useT();
  const here = edit.selected.value;
  const copies: Tool[] = [
    { name: "duplicate", icon: Copy, label: t("duplicate"), run: edit.duplicate },
    { name: "delete", icon: Trash2, label: t("delete"), run: edit.remove, danger: true },
  ];
  const edges: Tool[] = [
    { name: "in", icon: ArrowLeftToLine, label: t("trim_in"), run: () => edit.setEdge("in") },
    { name: "out", icon: ArrowRightToLine, label: t("trim_out"), run: () => edit.setEdge("out") },
  ];
  switch (here?.kind) {
    case "segments": {
      const segment = edit.segment.value;
      const at = edit.list.value.segments.findIndex(({ id }) => id === here.id);
      const last = edit.list.value.segments.length - 1;
      return [
        { name: "split", icon: Scissors, label: t("split"), run: edit.split, disabled: !edit.canSplit.value },
        { name: "speed", icon: Gauge, label: t("pace"), panel: "speed" },
        { name: "frame", icon: Ratio, label: t("placement"), panel: "frame" },
        { name: "crop", icon: Crop, label: t("crop"), panel: "crop" },
        { name: "colours", icon: SlidersHorizontal, label: t("colours"), panel: "colours" },
        { name: "volume", icon: Volume2, label: t("volume"), panel: "volume" },
        { name: "transition", icon: Blend, label: t("transition"), panel: "transition" },
        {
          name: "paint",
          icon: Paintbrush,
          label: t("paint_segment"),
          run: () => segment && doors.paint(segment),
          disabled: here.id in edit.painting.value,
        },
        ...(segment?.unstyled
          ? [{ name: "unpaint", icon: Undo2, label: t("unpaint"), run: edit.unpaint }]
          : []),
        ...edges,
        {
          name: "left",
          icon: ArrowLeft,
          label: t("move_left"),
          run: () => edit.moveSelected(-1),
          disabled: at <= 0,
        },
        {
          name: "right",
          icon: ArrowRight,
          label: t("move_right"),
          run: () => edit.moveSelected(1),
          disabled: at >= last,
        },
        ...copies,
      ];
    }
    case "texts":
      return [
        { name: "words", icon: Type, label: t("words"), panel: "words" },
        { name: "look", icon: Palette, label: t("look"), panel: "look" },
        { name: "place", icon: Ratio, label: t("placement"), panel: "place" },
        ...edges,
        ...copies,
      ];
    case "stickers":
      return [{ name: "sticker", icon: Sticker, label: t("sticker"), panel: "sticker" }, ...edges, ...copies];
    case "music":
      return [
        { name: "music", icon: Music, label: t("music"), panel: "music" },
        { name: "change", icon: Music, label: t("change_music"), run: doors.chooseMusic },
        { name: "delete", icon: Trash2, label: t("delete"), run: edit.remove, danger: true },
      ];
    case "voices":
      return [{ name: "voice", icon: Mic, label: t("voice"), panel: "voice" }, ...edges, ...copies];
    default:
      return [
        { name: "clip", icon: Film, label: t("add_clip"), run: doors.addClip },
        { name: "text", icon: Type, label: t("words"), run: () => edit.addText(t("new_words")) },
        { name: "sticker", icon: Sticker, label: t("sticker"), panel: "new-sticker" },
        {
          name: "music",
          icon: Music,
          label: t("music"),
          run: () =>
            edit.list.peek().music ? edit.select({ kind: "music", id: "music" }) : doors.chooseMusic(),
        },
        { name: "recording", icon: Mic, label: t("voice"), panel: "recording" },
        { name: "volume", icon: Volume2, label: t("volume"), panel: "volume" },
        { name: "shape", icon: Ratio, label: t("shape"), panel: "shape" },
        { name: "cover", icon: Image, label: t("cover"), panel: "cover" },
        { name: "marker", icon: Bookmark, label: t("marker"), run: edit.toggleMarker },
      ];
  }
}

/** The tools for what is selected, and the panel of the one that is open. */
export function Inspector({
  edit,
  doors,
  panel,
  isWide,
}: {
  edit: EditModel;
  doors: Doors;
  panel: Signal<PanelName | null>;
  isWide: boolean;
}) {
  const t = useT();
  const tools = useTools(edit, doors);
  const kind = useComputed(() => edit.selected.value?.kind);
  const id = useComputed(() => edit.selected.value?.id);
  useSignalEffect(() => {
    // Another kind of thing, other tools.
    void kind.value;
    panel.value = null;
  });
  useSignalEffect(() => {
    // Words that were just laid down want to be written.
    if (id.value && edit.text.peek()?.text === t("new_words")) panel.value = "words";
  });
  const first = tools.find((tool) => tool.panel);
  const open = tools.find((tool) => tool.panel === panel.value) ?? (isWide ? first : undefined);
  return (
    <aside class="bench-side" aria-label={t("tools")}>
      <div class="bench-tools" role="toolbar" aria-label={t("tools")}>
        {tools.map((tool) => (
          <button
            key={tool.name}
            type="button"
            class={`bench-tool${tool.danger ? " danger" : ""}`}
            disabled={tool.disabled}
            aria-pressed={tool.panel ? open === tool : undefined}
            onClick={() => (tool.panel ? (panel.value = tool.panel) : tool.run?.())}
          >
            <Icon of={tool.icon} />
            <span>{tool.label}</span>
          </button>
        ))}
      </div>
      {open?.panel && (
        <section class="bench-panel" aria-label={open.label}>
          <header>
            <h2>{open.label}</h2>
            {!isWide && <IconButton icon={Check} label={t("done")} onClick={() => (panel.value = null)} />}
          </header>
          <Panel edit={edit} name={open.panel} />
        </section>
      )}
    </aside>
  );
}

function Panel({ edit, name }: { edit: EditModel; name: PanelName }): ComponentChildren {
  switch (name) {
    case "speed":
      return <SpeedPanel edit={edit} />;
    case "volume":
      return <VolumePanel edit={edit} />;
    case "frame":
      return <FramePanel edit={edit} />;
    case "crop":
      return <CropPanel edit={edit} />;
    case "colours":
      return <ColoursPanel edit={edit} />;
    case "transition":
      return <TransitionPanel edit={edit} />;
    case "words":
      return <WordsPanel edit={edit} />;
    case "look":
      return <LookPanel edit={edit} />;
    case "place":
      return <PlacePanel edit={edit} />;
    case "sticker":
      return <StickerPanel edit={edit} />;
    case "new-sticker":
      return <StickerShelf onPick={edit.addSticker} />;
    case "music":
      return <MusicPanel edit={edit} />;
    case "voice":
      return <VoicePanel edit={edit} />;
    case "recording":
      return <RecordingPanel edit={edit} />;
    case "shape":
      return <ShapePanel edit={edit} />;
    case "cover":
      return <CoverPanel edit={edit} />;
    default:
      return null;
  }
}

const percent = (value: number) => `${Math.round(value * 100)} %`;
const signed = (value: number) => `${value > 0 ? "+" : ""}${Math.round(value * 100)}`;
const degrees = (value: number) => `${Math.round(value)}°`;

// ---- a segment ----

function SpeedPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const segment = edit.segment.value;
  if (!segment) return null;
  // Twice as fast is as far from normal as half.
  const power = Math.log2(segment.speed);
  return (
    <>
      <Slider
        label={t("pace")}
        shown={`${Number(segment.speed.toFixed(2))}×`}
        value={power}
        min={-2}
        max={2}
        step={0.05}
        onChange={(value) => edit.setSpeed(Math.abs(value) < 0.04 ? 1 : Number((2 ** value).toFixed(2)))}
      />
      <Segmented
        label={t("pace")}
        value={segment.speed}
        options={[0.25, 0.5, 1, 2, 4].map((value) => ({ value, text: `${value}×` }))}
        onChoose={edit.setSpeed}
      />
      <Switch label={t("reverse")} hint={t("reverse_hint")} on={segment.reverse} onChange={edit.setReverse} />
    </>
  );
}

function VolumePanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const segment = edit.segment.value;
  return (
    <>
      {segment && (
        <Slider
          label={t("volume")}
          shown={percent(segment.volume)}
          value={segment.volume}
          min={0}
          max={2}
          step={0.05}
          onChange={edit.setVolume}
        />
      )}
      <Slider
        label={t("original_volume")}
        shown={percent(edit.list.value.original_volume)}
        value={edit.list.value.original_volume}
        min={0}
        max={2}
        step={0.05}
        onChange={edit.setOriginalVolume}
      />
    </>
  );
}

function FramePanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const segment = edit.segment.value;
  if (!segment) return null;
  const { view, fit } = segment;
  const slider = (
    label: string,
    name: "zoom" | "rotation" | "x" | "y",
    range: [number, number, number],
    shown: string,
  ) => (
    <Slider
      label={label}
      shown={shown}
      value={view[name]}
      min={range[0]}
      max={range[1]}
      step={range[2]}
      onChange={(value) => edit.setView({ [name]: value } as Partial<View>)}
    />
  );
  return (
    <>
      <Segmented
        label={t("fit")}
        value={fit}
        options={fits.map((value) => ({ value, text: t(`fit_${value}`) }))}
        onChoose={edit.setFit}
      />
      {slider(t("zoom"), "zoom", [0.1, 4, 0.05], percent(view.zoom))}
      {slider(t("rotation"), "rotation", [-180, 180, 1], degrees(view.rotation))}
      {slider(t("across"), "x", [-1, 1, 0.01], signed(view.x))}
      {slider(t("down"), "y", [-1, 1, 0.01], signed(view.y))}
      <div class="row">
        <Button
          icon={RotateCw}
          onClick={() =>
            edit.setView({ rotation: view.rotation + 90 > 180 ? view.rotation - 270 : view.rotation + 90 })
          }
        >
          {t("turn_right")}
        </Button>
        <Button kind="bare" onClick={edit.resetView}>
          {t("reset")}
        </Button>
      </div>
      <p class="faint">{t("drag_hint")}</p>
    </>
  );
}

function CropPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const crop = edit.segment.value?.view.crop;
  if (!crop) return null;
  return (
    <>
      {(["left", "right", "top", "bottom"] as const).map((side) => (
        <Slider
          key={side}
          label={t(`crop_${side}`)}
          shown={percent(crop[side])}
          value={crop[side]}
          min={0}
          max={0.9}
          step={0.01}
          onChange={(value) => edit.setView({ crop: { ...crop, [side]: value } })}
        />
      ))}
      <Button kind="bare" onClick={() => edit.setView({ crop: { left: 0, right: 0, top: 0, bottom: 0 } })}>
        {t("reset")}
      </Button>
    </>
  );
}

function ColoursPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const filters = edit.segment.value?.filters;
  if (!filters) return null;
  return (
    <>
      {(["brightness", "contrast", "saturation", "warmth"] as const).map((name) => (
        <Slider
          key={name}
          label={t(name)}
          shown={signed(filters[name])}
          value={filters[name]}
          min={-1}
          max={1}
          step={0.02}
          onChange={(value) => edit.setFilters({ [name]: value } as Partial<Filters>)}
        />
      ))}
      <Button kind="bare" onClick={edit.resetFilters}>
        {t("reset")}
      </Button>
    </>
  );
}

function TransitionPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const segment = edit.segment.value;
  if (!segment) return null;
  if (edit.list.value.segments[0]?.id === segment.id) return <p class="faint">{t("transition_none")}</p>;
  const { kind, seconds } = segment.transition;
  return (
    <>
      <Segmented
        label={t("transition")}
        value={kind}
        options={[
          { value: "cut", text: t("transition_cut") },
          { value: "crossfade", text: t("transition_crossfade") },
          { value: "dip", text: t("transition_dip") },
        ]}
        onChoose={(value) => edit.setTransition(value, seconds || 0.5)}
      />
      {kind !== "cut" && (
        <Slider
          label={t("length")}
          shown={t("seconds_value", { seconds: seconds.toFixed(2) })}
          value={seconds}
          min={0.1}
          max={3}
          step={0.05}
          onChange={(value) => edit.setTransition(kind, value)}
        />
      )}
    </>
  );
}

// ---- words and stickers ----

function WordsPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const text = edit.text.value;
  if (!text) return null;
  const missing = edit.missingLetters.value;
  return (
    <>
      <Field label={t("words")}>
        <textarea
          rows={2}
          maxLength={500}
          value={text.text}
          ref={selectPlaceholder(t("new_words"))}
          onInput={(event) => edit.changeText({ text: event.currentTarget.value })}
        />
      </Field>
      <p class={missing.length > 0 ? "inline-problem" : "unseen"} role="status">
        {missing.length > 0 && (
          <>
            <Icon of={TriangleAlert} size={20} />
            <span>{t("letters_missing", { letters: missing.slice(0, 12).join(" ") })}</span>
          </>
        )}
      </p>
      <Segmented
        label={t("font")}
        value={text.font}
        options={fonts.map((value) => ({ value, text: t(`font_${value}`) }))}
        onChoose={(font) => edit.changeText({ font })}
      />
      <Slider
        label={t("letter_size")}
        shown={percent(text.size)}
        value={text.size}
        min={0.01}
        max={0.3}
        step={0.002}
        onChange={(size) => edit.changeText({ size })}
      />
      <Segmented
        label={t("words_kind")}
        value={text.kind}
        options={[
          { value: "title", text: t("kind_title") },
          { value: "caption", text: t("kind_caption") },
        ]}
        onChoose={(kind) => edit.changeText(kind === "caption" ? { kind, y: 0.86, size: 0.04 } : { kind })}
      />
      {text.kind === "caption" && <p class="faint">{t("caption_kind_hint")}</p>}
    </>
  );
}

/** Whoever lays words down wants to write other ones. */
const selectPlaceholder = (placeholder: string) => (area: HTMLTextAreaElement | null) => {
  if (!area || area.dataset.met) return;
  area.dataset.met = "1";
  if (area.value === placeholder) area.select();
};

function Colour({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <label class="colour">
      <span>{label}</span>
      <input type="color" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}

function LookPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const text = edit.text.value;
  if (!text) return null;
  return (
    <>
      <Colour label={t("colour")} value={text.colour} onChange={(colour) => edit.changeText({ colour })} />
      <Switch label={t("outline")} on={text.outline} onChange={(outline) => edit.changeText({ outline })} />
      <Switch
        label={t("background")}
        on={text.background !== null}
        onChange={(on) => edit.changeText({ background: on ? "#000000" : null })}
      />
      {text.background !== null && (
        <Colour
          label={t("background")}
          value={text.background}
          onChange={(background) => edit.changeText({ background })}
        />
      )}
    </>
  );
}

function PlacePanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const text = edit.text.value;
  if (!text) return null;
  return (
    <>
      <Slider
        label={t("across")}
        shown={percent(text.x)}
        value={text.x}
        min={0}
        max={1}
        step={0.01}
        onChange={(x) => edit.changeText({ x })}
      />
      <Slider
        label={t("down")}
        shown={percent(text.y)}
        value={text.y}
        min={0}
        max={1}
        step={0.01}
        onChange={(y) => edit.changeText({ y })}
      />
      <Slider
        label={t("line_width")}
        shown={percent(text.width)}
        value={text.width}
        min={0.1}
        max={1}
        step={0.01}
        onChange={(width) => edit.changeText({ width })}
      />
    </>
  );
}

function StickerShelf({
  onPick,
  chosen,
}: {
  onPick: (name: (typeof stickerNames)[number]) => void;
  chosen?: string;
}) {
  const t = useT();
  return (
    <div class="sticker-shelf">
      {stickerNames.map((name) => (
        <button
          key={name}
          type="button"
          aria-label={t(`sticker_${name}`)}
          aria-pressed={chosen === undefined ? undefined : chosen === name}
          onClick={() => onPick(name)}
        >
          <svg viewBox={stickers[name].viewBox.join(" ")} width="40" height="40" aria-hidden="true">
            <path d={stickers[name].path} fill="currentColor" />
          </svg>
        </button>
      ))}
    </div>
  );
}

function StickerPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const sticker = edit.sticker.value;
  if (!sticker) return null;
  return (
    <>
      <StickerShelf chosen={sticker.name} onPick={(name) => edit.changeSticker({ name })} />
      <Colour
        label={t("colour")}
        value={sticker.colour}
        onChange={(colour) => edit.changeSticker({ colour })}
      />
      <Slider
        label={t("zoom")}
        shown={percent(sticker.size)}
        value={sticker.size}
        min={0.02}
        max={1}
        step={0.01}
        onChange={(size) => edit.changeSticker({ size })}
      />
      <Slider
        label={t("rotation")}
        shown={degrees(sticker.rotation)}
        value={sticker.rotation}
        min={-180}
        max={180}
        step={1}
        onChange={(rotation) => edit.changeSticker({ rotation })}
      />
      <Slider
        label={t("across")}
        shown={percent(sticker.x)}
        value={sticker.x}
        min={0}
        max={1}
        step={0.01}
        onChange={(x) => edit.changeSticker({ x })}
      />
      <Slider
        label={t("down")}
        shown={percent(sticker.y)}
        value={sticker.y}
        min={0}
        max={1}
        step={0.01}
        onChange={(y) => edit.changeSticker({ y })}
      />
    </>
  );
}

// ---- sound ----

function MusicPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const { music } = edit.list.value;
  if (!music) return null;
  const sound = edit.sounds.value[music.track];
  const seconds = (value: number) => t("seconds_value", { seconds: value.toFixed(1) });
  return (
    <>
      <div class="bench-sound">
        <div>
          <strong>{sound?.title ?? t("music")}</strong>
          {sound && <small>{[sound.author, sound.licence].filter(Boolean).join(" · ")}</small>}
        </div>
      </div>
      <Slider
        label={t("volume")}
        shown={percent(music.volume)}
        value={music.volume}
        min={0}
        max={2}
        step={0.05}
        onChange={(volume) => edit.changeMusic({ volume })}
      />
      <Slider
        label={t("ducking")}
        shown={percent(music.ducking)}
        value={music.ducking}
        min={0}
        max={1}
        step={0.05}
        onChange={(ducking) => edit.changeMusic({ ducking })}
      />
      <Slider
        label={t("music_start")}
        shown={clock(music.start, true)}
        value={music.start}
        min={0}
        max={Math.max(0, (sound?.duration_seconds ?? 60) - 1)}
        step={0.1}
        onChange={(start) => edit.changeMusic({ start })}
      />
      <Slider
        label={t("fade_in")}
        shown={seconds(music.fade_in)}
        value={music.fade_in}
        min={0}
        max={10}
        step={0.1}
        onChange={(fade_in) => edit.changeMusic({ fade_in })}
      />
      <Slider
        label={t("fade_out")}
        shown={seconds(music.fade_out)}
        value={music.fade_out}
        min={0}
        max={10}
        step={0.1}
        onChange={(fade_out) => edit.changeMusic({ fade_out })}
      />
    </>
  );
}

function VoicePanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const voice = edit.voice.value;
  if (!voice) return null;
  return (
    <Slider
      label={t("volume")}
      shown={percent(voice.volume)}
      value={voice.volume}
      min={0}
      max={2}
      step={0.05}
      onChange={(volume) => edit.changeVoice({ volume })}
    />
  );
}

function RecordingPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const phase = edit.recording.value;
  // Whoever closes the panel is done speaking.
  useEffect(() => () => void edit.stopRecording(), [edit]);
  return (
    <>
      <p class="faint" role="status">
        {t(`recording_${phase}`)}
      </p>
      <InlineProblem
        problem={edit.recordingProblem.value}
        onRetry={edit.hasUnsent.value ? () => void edit.sendRecording() : undefined}
      />
      {phase === "recording" ? (
        <Button kind="danger" icon={Square} onClick={() => void edit.stopRecording()}>
          {t("stop_recording")}
        </Button>
      ) : (
        <Button kind="main" icon={Circle} busy={phase !== "idle"} onClick={() => void edit.record()}>
          {t("record")}
        </Button>
      )}
    </>
  );
}

// ---- the whole video ----

function ShapePanel({ edit }: { edit: EditModel }) {
  const t = useT();
  const { canvas } = edit.list.value;
  return (
    <>
      <div class="tool">
        <span>{t("aspect")}</span>
        <Segmented
          label={t("aspect")}
          value={canvas.aspect}
          options={aspects.map((value) => ({ value, text: value }))}
          onChoose={(aspect) => edit.setCanvas({ aspect })}
        />
      </div>
      <div class="tool">
        <span>{t("video_size")}</span>
        <Segmented
          label={t("video_size")}
          value={canvas.short_side}
          options={shortSides.map((value) => ({ value, text: `${value}p` }))}
          onChoose={(short_side) => edit.setCanvas({ short_side })}
        />
      </div>
      <div class="tool">
        <span>{t("frame_rate")}</span>
        <Segmented
          label={t("frame_rate")}
          value={canvas.frame_rate}
          options={frameRates.map((value) => ({ value, text: String(value) }))}
          onChoose={(frame_rate) => edit.setCanvas({ frame_rate })}
        />
      </div>
    </>
  );
}

function CoverPanel({ edit }: { edit: EditModel }) {
  const t = useT();
  return (
    <>
      <p class="faint">{t("cover_text")}</p>
      <p>{t("cover_at", { time: clock(edit.list.value.cover, true) })}</p>
      <Button kind="main" icon={Image} onClick={edit.setCover}>
        {t("cover_here")}
      </Button>
    </>
  );
}

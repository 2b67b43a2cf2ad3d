import { useModel, useSignal, useSignalEffect } from "@preact/signals";
import { Blend, Paintbrush, Trash2 } from "lucide";

import { type Clip, heights, type Job, type Style } from "../../model/types";
import { clock } from "../../viewmodel/i18n";
import {
  type EaselModel,
  FINEST_BRUSH,
  type Ingredient,
  LARGEST_BRUSH,
  MOST_STYLES,
} from "../../viewmodel/paint";
import { useApp, useOnce, useT, useTitle } from "../context";
import {
  Button,
  Failure,
  IconButton,
  InlineProblem,
  Segmented,
  Skeleton,
  Slider,
  Spinner,
  Switch,
} from "../parts/basics";
import { AddPicture, StylePick } from "../parts/cards";
import { Compare } from "../parts/compare";

export function EaselScreen({ clipId, styles }: { clipId: string; styles: string[] }) {
  const { router } = useApp();
  useTitle(useT()("create"));
  return <EaselDesk clipId={clipId} styles={styles} onJob={(job) => router.go(`/job/${job.id}`)} />;
}

/** The easel itself; whoever shows it says what happens when the painting has been ordered. */
export function EaselDesk({
  clipId,
  styles,
  onJob,
}: {
  clipId: string;
  styles: string[];
  onJob: (job: Job) => void;
}) {
  const app = useApp();
  const t = useT();
  const easel = useModel(() => app.screens.easel(clipId, styles));
  useOnce(easel.load);
  useSignalEffect(() => app.look.borrow(easel.leading.value));

  const clip = easel.clip.value.value;
  if (easel.clip.phase.value === "failed") {
    return <Failure problem={easel.clip.problem.value} onRetry={easel.load} />;
  }
  const paint = async () => {
    const job = await easel.paint();
    if (!job) return;
    app.jobs.learn(job);
    onJob(job);
  };
  return (
    <div class="easel">
      <h1 class="unseen">{t("create")}</h1>
      <section class="easel-frame" aria-label={t("preview")}>
        {clip ? <Frame easel={easel} clip={clip} /> : <Skeleton kind="frame" />}
      </section>
      <section class="easel-styles" aria-label={t("styles")}>
        <StylePicker easel={easel} />
      </section>
      <section class="easel-tools" aria-label={t("settings_of_painting")}>
        {clip && <Tools easel={easel} clip={clip} />}
      </section>
      <footer class="easel-foot">
        <InlineProblem problem={easel.problem.value} />
        <Button
          kind="main"
          wide
          icon={Paintbrush}
          busy={easel.phase.value === "sending"}
          disabled={!easel.canPaint.value}
          onClick={() => void paint()}
        >
          {t("paint_it")}
        </Button>
      </footer>
    </div>
  );
}

function Frame({ easel, clip }: { easel: EaselModel; clip: Clip }) {
  const t = useT();
  const shown = easel.preview.value;
  const painting = easel.previewPhase.value === "painting";
  const original = easel.original.value ?? clip.poster_url;
  return (
    <>
      <div class="easel-canvas">
        <div
          class="frame"
          style={{ "--ratio": `${clip.width} / ${clip.height}`, "--shape": clip.width / clip.height }}
        >
          {shown ? (
            <Compare
              start={0}
              before={<StillFrame key={clip.id} src={original} alt={t("original_frame")} />}
              after={<img src={shown} alt={t("painted_frame")} draggable={false} />}
            />
          ) : (
            <div class="compare alone">
              <img src={clip.poster_url} alt={t("original_frame")} />
            </div>
          )}
          <p class={`frame-note${painting ? " shown" : ""}`} role="status">
            {painting && (
              <>
                <Spinner /> {t("painting_preview")}
              </>
            )}
          </p>
        </div>
      </div>
      {easel.previewPhase.value === "failed" && (
        <InlineProblem problem={easel.previewProblem.value} onRetry={easel.retryPreview} />
      )}
      <div class="frame-scrub">
        <Slider
          label={t("frame_at")}
          shown={clock(easel.atSeconds.value, true)}
          value={easel.atSeconds.value}
          min={0}
          max={Math.max(0, clip.duration_seconds - 1 / clip.frame_rate)}
          step={1 / clip.frame_rate}
          onChange={easel.seek}
        />
      </div>
    </>
  );
}

/** The frame under the scrubber: the last one stays until the next has arrived. */
function StillFrame({ src, alt }: { src: string; alt: string }) {
  const loaded = useSignal(src);
  return (
    <>
      <img src={loaded.value} alt={alt} draggable={false} />
      {src !== loaded.value && (
        <img class="unseen" src={src} alt="" onLoad={() => (loaded.value = src)} aria-hidden="true" />
      )}
    </>
  );
}

function StylePicker({ easel }: { easel: EaselModel }) {
  const t = useT();
  const { presets, mine, mixing } = easel;
  const failed = presets.phase.value === "failed";
  return (
    <>
      <header class="easel-row">
        <h2>{t("styles")}</h2>
        <Button
          kind={mixing.value ? "main" : "quiet"}
          icon={Blend}
          aria-pressed={mixing.value}
          onClick={easel.toggleMixing}
        >
          {t("mix")}
        </Button>
      </header>
      {failed ? (
        <InlineProblem problem={presets.problem.value} onRetry={easel.loadStyles} />
      ) : (
        <div class="carousel" role="group" aria-label={t("styles")}>
          <AddPicture busy={easel.addingStyle.value} onPick={(image) => void easel.addStyle(image)} />
          {mine.items.value.map((style) => (
            <Pick key={style.slug} easel={easel} style={style} />
          ))}
          {presets.phase.value === "loading" && <Skeleton kind="tile" count={8} />}
          {presets.items.value.map((style) => (
            <Pick key={style.slug} easel={easel} style={style} />
          ))}
          {presets.hasMore.value && (
            <Button kind="bare" busy={presets.growing.value} onClick={() => void presets.more()}>
              {t("more")}
            </Button>
          )}
        </div>
      )}
      <InlineProblem problem={easel.styleProblem.value} />
    </>
  );
}

function Pick({ easel, style }: { easel: EaselModel; style: Style }) {
  const chosen = easel.mix.value.some((item) => item.style.slug === style.slug);
  return (
    <StylePick
      name={style.name}
      thumbnail={style.thumbnail_url}
      chosen={chosen}
      disabled={easel.mixing.value && easel.isFull.value && !chosen}
      onPick={() => easel.use(style)}
    />
  );
}

function Mix({ easel }: { easel: EaselModel }) {
  const t = useT();
  const sum = easel.mix.value.reduce((all, { weight }) => all + weight, 0);
  return (
    <div class="mix">
      <p class="faint">{t("mix_hint", { count: MOST_STYLES })}</p>
      {easel.mix.value.length > 1 &&
        easel.mix.value.map(({ style, weight }) => (
          <Slider
            key={style.slug}
            label={style.name}
            shown={`${Math.round((weight / sum) * 100)} %`}
            value={weight}
            min={0}
            max={1}
            step={0.05}
            onChange={(value) => easel.weigh(style.slug, value)}
          />
        ))}
    </div>
  );
}

/** One painter with the year, or everybody whose hand is in the mix. */
function artists(mix: readonly Ingredient[]): string {
  const [first] = mix;
  if (mix.length === 1 && first) return [first.style.artist, first.style.year].filter(Boolean).join(", ");
  return [...new Set(mix.map(({ style }) => style.artist).filter(Boolean))].join(", ");
}

function Tools({ easel, clip }: { easel: EaselModel; clip: Clip }) {
  const t = useT();
  const leading = easel.leading.value;
  const sizes = heights.filter((height) => height <= Math.max(clip.height, 480));
  return (
    <>
      {leading && (
        <div class="leading">
          <div>
            <p class="leading-name">{easel.mix.value.map(({ style }) => style.name).join(" + ")}</p>
            <p class="faint">{artists(easel.mix.value)}</p>
          </div>
          {leading.mine && (
            <IconButton
              icon={Trash2}
              label={t("delete_style")}
              onClick={() => void easel.removeStyle(leading)}
            />
          )}
        </div>
      )}
      {easel.mixing.value && <Mix easel={easel} />}
      <Slider
        label={t("strength")}
        shown={`${Math.round(easel.strength.value * 100)} %`}
        value={easel.strength.value}
        min={0}
        max={1.5}
        step={0.05}
        onChange={easel.setStrength}
      />
      <Switch
        label={t("keep_colors")}
        hint={t("keep_colors_hint")}
        on={easel.keepColors.value}
        onChange={easel.setKeepColors}
      />
      <div class="tool">
        <span>{t("output_height")}</span>
        <Segmented
          label={t("output_height")}
          value={easel.height.value}
          options={sizes.map((value) => ({ value, text: `${value}p` }))}
          onChoose={easel.setHeight}
        />
      </div>
      <Slider
        label={t("brush")}
        shown={`${Math.round(easel.brush.value * 100)} %`}
        value={easel.brush.value}
        min={FINEST_BRUSH}
        max={LARGEST_BRUSH}
        step={0.25}
        onChange={easel.setBrush}
      />
    </>
  );
}

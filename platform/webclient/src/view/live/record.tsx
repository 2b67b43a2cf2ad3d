import "./live.css";

import { useEffect, useRef } from "preact/hooks";
import { useModel, useSignal } from "@preact/signals";
import { Check, CirclePause, CirclePlay, Download, MicOff, RotateCcw, SwitchCamera, Trash2, X } from "lucide";

import { Live, type LiveModel } from "../../viewmodel/live";
import { clock } from "../../viewmodel/i18n";
import { useApp, useOnce, useT, useTitle } from "../context";
import {
  Button,
  ButtonLink,
  Failure,
  IconButton,
  problemText,
  Segmented,
  Spinner,
  Switch,
} from "../parts/basics";
import { Icon } from "../parts/icon";
import { StyleChooser, useFirstStyle } from "./parts";

export function RecordScreen() {
  const app = useApp();
  const t = useT();
  useTitle(t("record_live"));
  const first = useFirstStyle();
  const live = useModel(() => new Live(app.filming(), first));
  useOnce(live.open);
  useEffect(() => () => live.close(), []);
  const phase = live.phase.value;
  if (phase === "failed") {
    return (
      <>
        <Failure problem={live.problem.value} onRetry={() => void live.open()} />
        <Found live={live} />
      </>
    );
  }
  if (phase === "review") return <Review live={live} />;
  return (
    <div class="live">
      <h1 class="unseen">{t("record_live")}</h1>
      <Stage live={live} />
      <div class="live-side">
        <Notices live={live} />
        <Found live={live} />
        <Shutter live={live} />
        <StyleChooser styles={live.styles} />
        <Options live={live} />
      </div>
    </div>
  );
}

function Stage({ live }: { live: LiveModel }) {
  const t = useT();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    live.show(canvas.current);
    return () => live.show(null);
  }, []);
  const phase = live.phase.value;
  const rate = live.rate.value;
  const awaited = live.waitsFor.value;
  return (
    <section class="live-stage" aria-label={t("preview")}>
      <canvas
        ref={canvas}
        class={live.mirrorView.value ? "mirrored" : ""}
        width={640}
        height={480}
        role="img"
        aria-label={t("live_picture")}
        data-painted={rate !== null}
      />
      {awaited && (
        <p class="live-note" role="status">
          <Spinner /> {t(AWAITED[awaited])}
        </p>
      )}
      {live.recording.value && (
        <p class={`live-clock${phase === "paused" ? " paused" : ""}`} role="timer">
          <span class="live-dot" aria-hidden="true" />
          {clock(Math.floor(live.seconds.value))} / {clock(live.secondsMost.value)}
        </p>
      )}
      {rate && rate.framesPerSecond > 1 && (
        <p class="live-rate">
          {t("live_rate", { count: rate.framesPerSecond, size: rate.short })}
          {live.backend.value === "webgpu" ? " · WebGPU" : ""}
        </p>
      )}
      <p class={`live-count${phase === "counting" ? " shown" : ""}`} aria-live="assertive">
        {phase === "counting" && live.count.value}
      </p>
    </section>
  );
}

const AWAITED = { camera: "live_opening", painter: "live_preparing", film: "live_finishing" } as const;

function Shutter({ live }: { live: LiveModel }) {
  const t = useT();
  const phase = live.phase.value;
  const paused = phase === "paused";
  return (
    <div class="live-shutter">
      {live.recording.value ? (
        <IconButton
          key="pause"
          icon={paused ? CirclePlay : CirclePause}
          label={t(paused ? "record_resume" : "record_pause")}
          onClick={() => (paused ? live.resume() : live.pause())}
        />
      ) : (
        <IconButton
          key="flip"
          icon={SwitchCamera}
          label={t("flip_camera")}
          disabled={phase !== "ready" || !live.shot.value?.other}
          onClick={() => void live.flip()}
        />
      )}
      <ShutterButton live={live} />
      {live.shot.value && !live.shot.value.sound ? (
        <span class="live-muted" role="img" aria-label={t("live_no_sound")}>
          <Icon of={MicOff} />
        </span>
      ) : (
        <span class="live-gap" />
      )}
    </div>
  );
}

function ShutterButton({ live }: { live: LiveModel }) {
  const t = useT();
  const phase = live.phase.value;
  const [label, run] =
    phase === "counting"
      ? ([t("cancel"), live.cancelCountdown] as const)
      : live.recording.value
        ? ([t("record_stop"), () => void live.stop()] as const)
        : ([t("record_start"), live.start] as const);
  return (
    <button
      type="button"
      class={`shutter ${live.recording.value ? "running" : phase}`}
      aria-label={label}
      disabled={phase === "opening" || phase === "finishing" || live.rate.value === null}
      onClick={run}
    >
      <span />
    </button>
  );
}

function Options({ live }: { live: LiveModel }) {
  const t = useT();
  if (!live.canChange.value) return null;
  return (
    <div class="live-options">
      {live.isFront.value && (
        <Switch
          label={t("mirror_film")}
          hint={t("mirror_film_hint")}
          on={live.mirrorFilm.value}
          onChange={live.setMirrorFilm}
        />
      )}
      {live.canKeepRaw.value ? (
        <Switch
          label={t("keep_raw")}
          hint={t("keep_raw_hint")}
          on={live.keepRaw.value}
          onChange={live.setKeepRaw}
        />
      ) : (
        <p class="faint">{t("no_raw_here")}</p>
      )}
    </div>
  );
}

function Notices({ live }: { live: LiveModel }) {
  const t = useT();
  const notice = live.notice.value;
  if (!notice) return null;
  const text =
    typeof notice === "string"
      ? t(`live_${notice}`)
      : `${problemText(t, notice).title}. ${problemText(t, notice).detail}`;
  return (
    <div class="notice live-notice" role="status">
      <p>{text}</p>
      <IconButton icon={X} label={t("dismiss")} onClick={live.dismiss} />
    </div>
  );
}

function Found({ live }: { live: LiveModel }) {
  const t = useT();
  const { i18n } = useApp();
  const found = live.found.value;
  if (!found || !live.canTakeFound.value) return null;
  const ago = i18n.ago(new Date(found.startedAt).toISOString(), Date.now());
  return (
    <div class="notice live-notice" role="status">
      <p>{t("film_found", { ago })}</p>
      <div class="row">
        <Button icon={CirclePlay} onClick={() => void live.lookAtFound()}>
          {t("look_at_it")}
        </Button>
        <Button kind="bare" icon={Trash2} onClick={() => void live.dropFound()}>
          {t("throw_away")}
        </Button>
      </div>
    </div>
  );
}

function Review({ live }: { live: LiveModel }) {
  const t = useT();
  const heading = useRef<HTMLHeadingElement>(null);
  const kind = useSignal<"painted" | "raw">("painted");
  useEffect(() => heading.current?.focus(), []);
  const shown = live.take.value;
  if (!shown) return null;
  const isRaw = kind.value === "raw" && shown.rawUrl !== null;
  const file = isRaw ? shown.take.raw! : shown.take.painted;
  const url = isRaw ? shown.rawUrl! : shown.url;
  return (
    <div class="page narrow live-review">
      <h1 ref={heading} tabIndex={-1}>
        {t("review_title")}
      </h1>
      <Notices live={live} />
      <video key={url} src={url} controls playsInline loop aria-label={t("review_title")} />
      {shown.rawUrl && (
        <div class="tool">
          <Segmented
            label={t("which_film")}
            value={kind.value}
            options={[
              { value: "painted", text: t("film_painted") },
              { value: "raw", text: t("film_raw") },
            ]}
            onChoose={(value) => (kind.value = value)}
          />
          <p class="faint">{t(isRaw ? "film_raw_hint" : "film_painted_hint")}</p>
        </div>
      )}
      <div class="row">
        <Button kind="main" icon={Check} onClick={() => live.use(isRaw ? "raw" : "painted")}>
          {t("use_film")}
        </Button>
        <ButtonLink href={url} download={file.name} icon={Download}>
          {t("download")}
        </ButtonLink>
        <Button icon={RotateCcw} onClick={() => void live.retake()}>
          {t("retake")}
        </Button>
      </div>
      <p class="faint">{t("review_text")}</p>
    </div>
  );
}

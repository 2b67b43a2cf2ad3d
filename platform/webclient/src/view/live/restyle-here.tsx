import "./live.css";

import { useEffect } from "preact/hooks";
import { useModel } from "@preact/signals";
import { Check, Download, FileVideoCamera, Paintbrush, RotateCcw, X } from "lucide";

import { LocalRestyle, type LocalRestyleModel, QUALITIES } from "../../viewmodel/local-restyle";
import { clock } from "../../viewmodel/i18n";
import { useApp, useOnce, useT, useTitle } from "../context";
import { Button, ButtonLink, Failure, InlineProblem, Loading, Segmented } from "../parts/basics";
import { Icon } from "../parts/icon";
import { StyleChooser, useFirstStyle } from "./parts";

export function RestyleHereScreen() {
  const app = useApp();
  const t = useT();
  useTitle(t("restyle_here"));
  const first = useFirstStyle();
  const here = useModel(() => new LocalRestyle(app.filming(), first));
  useOnce(here.open);
  useEffect(() => () => here.close(), []);
  const phase = here.phase.value;
  if (phase === "failed") return <Failure problem={here.problem.value} onRetry={() => void here.open()} />;
  return (
    <div class="page narrow">
      <header class="page-head">
        <h1>{t("restyle_here")}</h1>
        <p>{t("restyle_here_text")}</p>
      </header>
      {phase === "opening" && <Loading />}
      {phase === "choosing" && <Choosing here={here} />}
      {phase === "painting" && <Painting here={here} />}
      {phase === "done" && <Done here={here} />}
    </div>
  );
}

function Choosing({ here }: { here: LocalRestyleModel }) {
  const t = useT();
  const file = here.file.value;
  return (
    <>
      <label class="door">
        <span class="door-mark">
          <Icon of={FileVideoCamera} size={32} />
        </span>
        <strong>{file ? file.name : t("choose_film")}</strong>
        {file && <span>{clock(here.filmSeconds.value)}</span>}
        <input
          type="file"
          class="unseen"
          accept="video/*,.mp4,.m4v,.mov,.mkv,.webm"
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            event.currentTarget.value = "";
            if (chosen) void here.choose(chosen);
          }}
        />
      </label>
      <InlineProblem problem={here.problem.value} />
      {file && <OnlyHere here={here} />}
      <StyleChooser styles={here.styles} onReload={() => void here.loadStyles()} />
      <div class="tool">
        <span>{t("painting_size")}</span>
        <Segmented
          label={t("painting_size")}
          value={here.quality.value}
          options={QUALITIES.map((value) => ({ value, text: `${value}p` }))}
          onChoose={here.setQuality}
        />
        <p class="faint">
          {t("painting_size_hint")} <a href="/lab/speed">{t("speed_link")}</a>
        </p>
      </div>
      <Button
        kind="main"
        wide
        icon={Paintbrush}
        disabled={!here.canPaint.value}
        onClick={() => void here.paint()}
      >
        {t("paint_here")}
      </Button>
    </>
  );
}

/** Said before minutes are spent on it, and again where the film cannot be used. */
function OnlyHere({ here }: { here: LocalRestyleModel }) {
  const t = useT();
  if (!here.onlyHere.value) return null;
  return (
    <div class="notice" role="status">
      <p>{t("only_here", { most: clock(here.secondsMost.value) })}</p>
    </div>
  );
}

function Painting({ here }: { here: LocalRestyleModel }) {
  const t = useT();
  const percent = Math.floor(here.progress.value * 100);
  return (
    <section class="upload-card" aria-label={t("restyle_here")}>
      <strong class="upload-name">{here.file.value?.name}</strong>
      <p role="status">{t("painting_on_device")}</p>
      <progress max={100} value={percent} aria-label={t("restyle_here")} />
      <p class="figures">
        <span>{percent} %</span>
        {here.secondsLeft.value !== null && (
          <span>{t("time_left", { time: clock(here.secondsLeft.value) })}</span>
        )}
      </p>
      <div class="row centre">
        <Button icon={X} onClick={here.cancel}>
          {t("cancel")}
        </Button>
      </div>
    </section>
  );
}

function Done({ here }: { here: LocalRestyleModel }) {
  const t = useT();
  const done = here.done.value;
  if (!done) return null;
  return (
    <div class="live-review">
      <video src={done.url} controls playsInline loop aria-label={t("review_title")} />
      {done.soundLost && (
        <div class="notice" role="status">
          <p>{t("sound_lost")}</p>
        </div>
      )}
      <OnlyHere here={here} />
      <div class="row">
        <ButtonLink
          kind="main"
          href={done.url}
          download={done.film.name}
          icon={Download}
          onClick={here.downloaded}
        >
          {t("download")}
        </ButtonLink>
        {!here.onlyHere.value && (
          <Button icon={Check} onClick={here.publish}>
            {t("use_film")}
          </Button>
        )}
        <Button icon={RotateCcw} onClick={here.again}>
          {t("paint_here_again")}
        </Button>
      </div>
      {!here.onlyHere.value && <p class="faint">{t("restyled_text")}</p>}
    </div>
  );
}

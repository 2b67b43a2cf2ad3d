import { useModel, useSignal } from "@preact/signals";
import {
  Camera,
  CircleAlert,
  FileVideoCamera,
  CirclePause,
  CirclePlay,
  CloudOff,
  Film,
  ScanSearch,
  Upload,
  X,
} from "lucide";

import { clock, megabytes } from "../../viewmodel/i18n";
import { useApp, useOnce, useT, useTitle } from "../context";
import { Button, problemText } from "../parts/basics";
import { Icon } from "../parts/icon";
import { EaselScreen } from "./easel";

/** First the clip, then the easel. */
export function CreateScreen() {
  const { router } = useApp();
  const query = router.query.value;
  const clipId = query.get("clip");
  const styles = (query.get("styles") ?? "").split(",").filter(Boolean);
  return clipId ? <EaselScreen key={clipId} clipId={clipId} styles={styles} /> : <Doors />;
}

function Doors() {
  const { session, upload } = useApp();
  const t = useT();
  useTitle(t("create"));
  const over = useSignal(false);
  const me = session.me.value;
  if (!me) return null;
  const choose = (file: File | undefined) => file && upload.choose(file, me.username, me.limits.upload_bytes);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    over.value = false;
    if (!upload.busy.value) choose(event.dataTransfer?.files[0]);
  };
  return (
    <div
      class="page create"
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) over.value = false;
      }}
      onDrop={drop}
    >
      <header class="page-head">
        <h1>{t("create_title")}</h1>
        <p>{t("create_text")}</p>
      </header>
      {upload.busy.value ? (
        <UploadCard />
      ) : (
        <>
          <label class={`door${over.value ? " over" : ""}`}>
            <span class="door-mark">
              <Icon of={Upload} size={32} />
            </span>
            <strong>{t("upload_door")}</strong>
            <span>{t("upload_door_text")}</span>
            <small>
              {t("upload_limits", {
                seconds: me.limits.clip_seconds,
                megabytes: Math.floor(me.limits.upload_bytes / 1024 ** 2),
              })}
            </small>
            <input
              type="file"
              class="unseen"
              accept="video/mp4,video/quicktime,video/webm,video/x-matroska,.mp4,.m4v,.mov,.mkv,.webm"
              onChange={(event) => {
                const [file] = event.currentTarget.files ?? [];
                event.currentTarget.value = "";
                choose(file);
              }}
            />
          </label>
          {upload.phase.value === "failed" && <UploadFailure />}
          <OtherDoors />
          <DemoShelf />
        </>
      )}
    </div>
  );
}

/** Where the painting is done on this device. */
function OtherDoors() {
  const { router } = useApp();
  const t = useT();
  const styles = router.query.value.get("styles");
  const query = styles ? `?styles=${encodeURIComponent(styles)}` : "";
  return (
    <div class="other-doors">
      <a class="door" href={`/record${query}`}>
        <Icon of={Camera} size={28} />
        <strong>{t("record_live")}</strong>
        <span>{t("record_live_text")}</span>
      </a>
      <a class="door" href={`/restyle-here${query}`}>
        <Icon of={FileVideoCamera} size={28} />
        <strong>{t("restyle_here")}</strong>
        <span>{t("restyle_here_door")}</span>
      </a>
    </div>
  );
}

function UploadFailure() {
  const { upload } = useApp();
  const t = useT();
  if (!upload.problem.value) return null;
  const { title, detail } = problemText(t, upload.problem.value);
  return (
    <div class="notice" role="alert">
      <Icon of={CircleAlert} />
      <div>
        <strong>{title}</strong>
        <p>{detail}</p>
        <p class="faint">{upload.name.value}</p>
      </div>
    </div>
  );
}

function UploadCard() {
  const { upload } = useApp();
  const t = useT();
  const phase = upload.phase.value;
  const job = upload.job.value;
  const checking = phase === "checking";
  const percent = checking ? Math.floor((job?.progress ?? 0) * 100) : Math.floor(upload.share.value * 100);
  const icons = { sending: Film, waiting: CloudOff, paused: CirclePause, checking: ScanSearch };
  return (
    <section class="upload-card" aria-label={t("upload")}>
      <span class="door-mark">
        <Icon of={icons[phase as keyof typeof icons] ?? Film} size={32} />
      </span>
      <strong class="upload-name">{upload.name.value}</strong>
      <p role="status" aria-live="polite">
        {t(`upload_${phase}_long` as never)}
      </p>
      <progress max={100} value={percent} aria-label={t("upload")} />
      <p class="figures">
        <span>{percent} %</span>
        {!checking && (
          <span>
            {megabytes(upload.sent.value)} / {megabytes(upload.total.value)} MB
          </span>
        )}
        {phase === "sending" && upload.bytesPerSecond.value !== null && (
          <span>{megabytes(upload.bytesPerSecond.value)} MB/s</span>
        )}
        {phase === "sending" && upload.secondsLeft.value !== null && (
          <span>{t("time_left", { time: clock(upload.secondsLeft.value) })}</span>
        )}
      </p>
      {!checking && (
        <div class="row centre">
          {phase === "sending" ? (
            <Button key="pause" icon={CirclePause} onClick={() => void upload.pause()}>
              {t("pause")}
            </Button>
          ) : (
            <Button key="go-on" kind="main" icon={CirclePlay} onClick={() => void upload.goOn()}>
              {t("go_on")}
            </Button>
          )}
          <Button icon={X} onClick={() => void upload.cancel()}>
            {t("cancel")}
          </Button>
        </div>
      )}
    </section>
  );
}

function DemoShelf() {
  const app = useApp();
  const t = useT();
  const demos = useModel(() => app.screens.demos());
  useOnce(demos.load);
  if (demos.list.value.length === 0) return null;
  const styles = app.router.query.value.get("styles");
  return (
    <section class="demos">
      <h2>{t("demo_title")}</h2>
      <div class="demo-row">
        {demos.list.value.map((demo) => (
          <a
            key={demo.id}
            class="tile demo"
            href={`/create?clip=${demo.id}${styles ? `&styles=${encodeURIComponent(styles)}` : ""}`}
          >
            <img src={demo.poster_url} alt={demo.title} />
            <span class="clip-name" aria-hidden="true">
              <strong>{demo.title}</strong>
              <small>{demo.credit}</small>
            </span>
          </a>
        ))}
      </div>
    </section>
  );
}

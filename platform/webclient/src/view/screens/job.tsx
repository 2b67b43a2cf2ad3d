import { useSignalEffect } from "@preact/signals";
import { Ban, CircleAlert, Film, Hourglass, Paintbrush, RotateCw, X } from "lucide";

import type { Job } from "../../model/types";
import { clock } from "../../viewmodel/i18n";
import { originalOf, percentOf, previewOf } from "../../viewmodel/jobs";
import { useApp, useOnce, useT, useTitle } from "../context";
import { Button, ButtonLink, Empty, Failure, InlineProblem, Loading } from "../parts/basics";
import { stageText } from "../parts/follow-card";
import { Icon } from "../parts/icon";

export function JobScreen({ id }: { id: string }) {
  const { jobs, router, i18n } = useApp();
  const { t } = i18n;
  const job = jobs.byId.value[id];
  const problem = jobs.problems.value[id] ?? null;
  useOnce(() => jobs.load(id));
  const what = t(job?.kind === "render" ? "making_video" : "painting");
  useTitle(job ? `${percentOf(job)} % · ${what}` : what);
  // Whoever watched it being painted sees it the moment it is dry.
  useSignalEffect(() => {
    const now = jobs.byId.value[id];
    const clipId = now?.result?.clip_id;
    if (now?.state === "succeeded" && clipId) {
      router.replace(now.kind === "ingest" ? `/create?clip=${clipId}` : `/clip/${clipId}`);
    }
  });

  if (!job) return problem ? <Failure problem={problem} onRetry={() => jobs.load(id)} /> : <Loading />;
  if (job.state === "cancelled") return <Cancelled job={job} />;
  if (job.state === "failed") return <Failed job={job} />;
  return (
    <div class="page job">
      <Canvas job={job} />
      <section class="job-facts">
        <h1>{stageText(t, job)}</h1>
        <progress
          max={100}
          value={job.state === "queued" ? 0 : percentOf(job)}
          aria-label={stageText(t, job)}
        />
        <Facts job={job} />
        <p class="unseen" role="status">
          {`${stageText(t, job)} ${Math.floor(percentOf(job) / 10) * 10} %`}
        </p>
        {!jobs.live.value && <p class="faint">{t("slow_news")}</p>}
        <InlineProblem problem={problem} />
        <Button icon={X} disabled={job.cancel_requested} onClick={() => void jobs.cancel(id)}>
          {t(
            job.cancel_requested ? "stage_stopping" : job.kind === "render" ? "stop_video" : "stop_painting",
          )}
        </Button>
        <p class="faint">{t(job.kind === "render" ? "leave_video" : "leave_it")}</p>
      </section>
    </div>
  );
}

function Canvas({ job }: { job: Job }) {
  const t = useT();
  const picture = previewOf(job);
  const original = originalOf(job);
  return (
    <div class="canvas">
      {picture ? (
        <img src={picture} alt={t("newest_frame")} />
      ) : (
        <>
          {original && <img class="canvas-original" src={original} alt={t("original_frame")} />}
          <span class="canvas-wait">
            <Icon
              of={job.state === "queued" ? Hourglass : job.kind === "render" ? Film : Paintbrush}
              size={48}
            />
          </span>
        </>
      )}
    </div>
  );
}

function Facts({ job }: { job: Job }) {
  const { i18n } = useApp();
  const { t } = i18n;
  if (job.state === "queued") {
    return (
      <p class="big-figure">
        {job.queue_position ? t("queue_place", { count: job.queue_position }) : t("queue_soon")}
      </p>
    );
  }
  return (
    <dl class="facts">
      <Fact name={t("done_share")} value={`${percentOf(job)} %`} />
      {job.frames_total != null && (
        <Fact name={t("frames")} value={`${job.frames_done ?? 0} / ${job.frames_total}`} />
      )}
      {job.frames_per_second != null && (
        <Fact name={t("speed")} value={t("frames_per_second", { rate: job.frames_per_second.toFixed(1) })} />
      )}
      {job.eta_seconds != null && <Fact name={t("left")} value={clock(job.eta_seconds)} />}
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function againUrl(job: Job) {
  if (job.kind === "render") return job.subject.project_id ? `/edit/${job.subject.project_id}` : "/edits";
  return job.subject.clip_id ? `/create?clip=${job.subject.clip_id}` : "/create";
}

function Cancelled({ job }: { job: Job }) {
  const t = useT();
  return (
    <Empty
      whole
      icon={Ban}
      title={t(job.kind === "render" ? "job_cancelled_render" : "job_cancelled")}
      action={
        <ButtonLink kind="main" href={againUrl(job)}>
          {t(job.kind === "render" ? "back_to_edit" : "paint_again")}
        </ButtonLink>
      }
    >
      {t(job.kind === "render" ? "job_cancelled_render_text" : "job_cancelled_text")}
    </Empty>
  );
}

function Failed({ job }: { job: Job }) {
  const { jobs, i18n } = useApp();
  const { t } = i18n;
  return (
    <div class="state" role="alert">
      <span class="state-mark">
        <Icon of={CircleAlert} size={32} />
      </span>
      <h1>{job.error?.title || t("job_failed")}</h1>
      <p>{job.error?.detail || t("job_failed_text")}</p>
      <InlineProblem problem={jobs.problems.value[job.id] ?? null} />
      <div class="row centre">
        <Button kind="main" icon={RotateCw} onClick={() => void jobs.retry(job.id)}>
          {t("try_again")}
        </Button>
        <ButtonLink href={againUrl(job)}>{t("change_something")}</ButtonLink>
      </div>
    </div>
  );
}

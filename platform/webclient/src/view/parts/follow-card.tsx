import { useSignal } from "@preact/signals";
import { ChevronDown, ChevronUp, Film, Paintbrush, X } from "lucide";

import type { Job } from "../../model/types";
import { clock } from "../../viewmodel/i18n";
import { percentOf, previewOf } from "../../viewmodel/jobs";
import { useApp, useT } from "../context";
import { IconButton } from "./basics";
import { Icon } from "./icon";

/** Work that goes on while one walks about: it follows at the edge of every screen but its own. */
export function FollowCard() {
  const { jobs, upload, router } = useApp();
  const t = useT();
  const open = useSignal(false);
  const here = router.path.value;
  const ingest = upload.job.value?.id;
  const list = jobs.following.value.filter((job) => here !== `/job/${job.id}` && job.id !== ingest);
  const sending = upload.busy.value && here !== "/create";
  const first = list[0];
  if (!first && !sending) return null;
  const rest = list.slice(1);
  return (
    <aside class="follow-card" aria-label={t("work_in_progress")}>
      {sending && <UploadLine />}
      {first && <JobLine job={first} />}
      {open.value && rest.map((job) => <JobLine key={job.id} job={job} />)}
      {rest.length > 0 && (
        <button
          type="button"
          class="follow-more"
          aria-expanded={open.value}
          onClick={() => (open.value = !open.value)}
        >
          {open.value ? t("show_less") : t("more_jobs", { count: rest.length })}
          <Icon of={open.value ? ChevronDown : ChevronUp} size={18} />
        </button>
      )}
    </aside>
  );
}

function UploadLine() {
  const { upload } = useApp();
  const t = useT();
  const percent = Math.floor(upload.share.value * 100);
  return (
    <a class="follow-line" href="/create">
      <span class="follow-picture">
        <Icon of={Film} />
      </span>
      <span class="follow-text">
        <strong>{upload.name.value}</strong>
        <small>{t(`upload_${upload.phase.value}` as never, { percent })}</small>
      </span>
      <progress max={1} value={upload.share.value} aria-label={upload.name.value} />
    </a>
  );
}

function JobLine({ job }: { job: Job }) {
  const { jobs } = useApp();
  const t = useT();
  const picture = previewOf(job);
  const failed = job.state === "failed";
  return (
    <div class="follow-row">
      <a class="follow-line" href={`/job/${job.id}`}>
        <span class="follow-picture">
          {picture ? <img src={picture} alt="" /> : <Icon of={job.kind === "render" ? Film : Paintbrush} />}
        </span>
        <span class="follow-text">
          <strong>{failed ? t("job_failed_short") : stageText(t, job)}</strong>
          <small>{failed ? job.error?.title : jobFacts(t, job)}</small>
        </span>
        {!failed && <progress max={1} value={job.progress} aria-label={stageText(t, job)} />}
      </a>
      {failed && <IconButton icon={X} label={t("dismiss")} onClick={() => jobs.hide(job.id)} />}
    </div>
  );
}

const STAGES = new Set([
  "waiting",
  "checking",
  "converting",
  "painting",
  "rendering",
  "mixing",
  "finishing",
  "done",
]);

export function stageText(t: ReturnType<typeof useT>, job: Job): string {
  if (job.cancel_requested && job.state === "running") return t("stage_stopping");
  if (job.state === "queued" || job.stage === "waiting")
    return t(job.kind === "render" ? "stage_waiting_turn" : "stage_waiting");
  // The server may have stages that this page has no word for yet.
  if (job.stage === "painting" && job.kind === "render") return t("stage_rendering");
  const key = `stage_${job.stage}`;
  return STAGES.has(job.stage)
    ? t(key as never)
    : t(job.kind === "render" ? "stage_rendering" : "stage_painting");
}

/** "42 % · 0:31 left", or the place in the queue. */
export function jobFacts(t: ReturnType<typeof useT>, job: Job): string {
  if (job.state === "queued") {
    return job.queue_position ? t("queue_place", { count: job.queue_position }) : t("queue_soon");
  }
  const facts = [`${percentOf(job)} %`];
  if (job.eta_seconds != null) facts.push(t("time_left", { time: clock(job.eta_seconds) }));
  return facts.join(" · ");
}

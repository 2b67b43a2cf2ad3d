import { useModel, useSignal } from "@preact/signals";
import { Copy, Film, Plus, Scissors, Trash2 } from "lucide";

import type { ProjectBrief } from "../../model/types";
import { clock } from "../../viewmodel/i18n";
import { useApp, useOnce, useT, useTitle } from "../context";
import { Button, Empty, Failure, IconButton, InlineProblem, Skeleton } from "../parts/basics";
import { Sentinel } from "../parts/cards";
import { Confirm } from "../parts/dialog";
import { Icon } from "../parts/icon";

/** Clips and edits lie side by side. */
export function ClipsAndEdits({ here }: { here: "clips" | "edits" }) {
  const t = useT();
  return (
    <nav class="segmented" aria-label={t("clips_and_edits")}>
      <a href="/clips" aria-current={here === "clips" ? "page" : undefined}>
        <Icon of={Film} size={18} /> {t("my_clips")}
      </a>
      <a href="/edits" aria-current={here === "edits" ? "page" : undefined}>
        <Icon of={Scissors} size={18} /> {t("edits")}
      </a>
    </nav>
  );
}

export function EditsScreen() {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.projects());
  const fresh = useModel(() => app.screens.newEdit());
  const asking = useSignal<ProjectBrief | null>(null);
  useOnce(page.load);
  useTitle(t("edits"));
  const { projects } = page;
  const begin = async () => {
    const created = await fresh.create();
    if (created) app.router.go(`/edit/${created.id}`);
  };
  const loading = projects.phase.value === "loading" && projects.items.value.length === 0;
  return (
    <div class="page">
      <header class="page-head with-action">
        <h1>{t("edits")}</h1>
        <Button kind="main" icon={Plus} busy={fresh.phase.value === "sending"} onClick={() => void begin()}>
          {t("new_edit")}
        </Button>
      </header>
      <ClipsAndEdits here="edits" />
      <InlineProblem problem={fresh.problem.value ?? page.problem.value} />
      {projects.phase.value === "failed" && (
        <Failure problem={projects.problem.value} onRetry={projects.load} />
      )}
      {projects.empty.value && (
        <Empty
          icon={Scissors}
          title={t("edits_empty")}
          action={
            <Button kind="main" onClick={() => void begin()}>
              {t("new_edit")}
            </Button>
          }
        >
          {t("edits_empty_text")}
        </Empty>
      )}
      <div class="grid wide">
        {loading && <Skeleton kind="tile" count={6} />}
        {projects.items.value.map((project) => (
          <EditTile
            key={project.id}
            project={project}
            busy={page.busy.value === project.id}
            onDuplicate={() => void page.duplicate(project.id)}
            onDelete={() => (asking.value = project)}
          />
        ))}
      </div>
      {projects.hasMore.value && <Sentinel onReach={projects.more} />}
      {asking.value && (
        <Confirm
          title={t("delete_edit")}
          text={t("delete_edit_text")}
          yes={t("delete")}
          onYes={() => asking.value && void page.remove(asking.value.id)}
          onClose={() => (asking.value = null)}
        />
      )}
    </div>
  );
}

function EditTile({
  project,
  busy,
  onDuplicate,
  onDelete,
}: {
  project: ProjectBrief;
  busy: boolean;
  onDuplicate: () => void;
  onDelete: () => void;
}) {
  const { i18n } = useApp();
  const { t } = i18n;
  const title = project.title || t("untitled");
  return (
    <div class="edit-tile">
      <a class="tile" href={`/edit/${project.id}`}>
        {project.poster_url ? (
          <img src={project.poster_url} alt="" loading="lazy" />
        ) : (
          <span class="edit-blank">
            <Icon of={Scissors} size={32} />
          </span>
        )}
        <span class="tile-badge">{clock(project.duration_seconds)}</span>
        <span class="clip-name">
          <strong>{title}</strong>
          <small>{t("changed", { ago: i18n.ago(project.updated_at, Date.now()) })}</small>
        </span>
      </a>
      <div class="edit-actions">
        <IconButton icon={Copy} label={t("duplicate")} disabled={busy} onClick={onDuplicate} />
        <IconButton icon={Trash2} label={t("delete_edit")} disabled={busy} onClick={onDelete} />
      </div>
    </div>
  );
}

import { useModel } from "@preact/signals";
import { Clapperboard, Plus } from "lucide";

import { useApp, useOnce, useT, useTitle } from "../context";
import { ButtonLink, Empty, Failure, InlineProblem, Segmented, Skeleton } from "../parts/basics";
import { ClipTile, Sentinel } from "../parts/cards";
import { ClipsAndEdits } from "./edits";

export function ClipsScreen() {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.clips());
  useOnce(page.load);
  useTitle(t("my_clips"));
  const { clips } = page;
  const loading = clips.phase.value === "loading" && clips.items.value.length === 0;
  return (
    <div class="page">
      <header class="page-head with-action">
        <h1>{t("my_clips")}</h1>
        <ButtonLink kind="main" icon={Plus} href="/create">
          {t("new_painting")}
        </ButtonLink>
      </header>
      <ClipsAndEdits here="clips" />
      {clips.items.value.length > 0 && (
        <Segmented
          label={t("show")}
          value={page.filter.value}
          options={[
            { value: "all", text: t("all") },
            { value: "painted", text: t("painted") },
            { value: "originals", text: t("originals") },
          ]}
          onChoose={page.choose}
        />
      )}
      <InlineProblem problem={page.problem.value} />
      {clips.phase.value === "failed" && <Failure problem={clips.problem.value} onRetry={clips.load} />}
      {clips.empty.value && (
        <Empty
          icon={Clapperboard}
          title={t("clips_empty")}
          action={
            <ButtonLink kind="main" href="/create">
              {t("upload_door")}
            </ButtonLink>
          }
        >
          {t("clips_empty_text")}
        </Empty>
      )}
      {!clips.empty.value && page.shown.value.length === 0 && clips.phase.value === "ready" && (
        <p class="faint">{t("none_of_these")}</p>
      )}
      <div class="grid wide">
        {loading && <Skeleton kind="tile" count={6} />}
        {page.shown.value.map((clip) => (
          <ClipTile key={clip.id} clip={clip} />
        ))}
      </div>
      {clips.hasMore.value && <Sentinel onReach={clips.more} />}
    </div>
  );
}

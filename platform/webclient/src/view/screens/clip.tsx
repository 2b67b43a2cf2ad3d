import { useModel, useSignal, useSignalEffect } from "@preact/signals";
import { Check, Download, Music, Paintbrush, Pencil, Scissors, Send, Trash2 } from "lucide";

import type { Clip, Project } from "../../model/types";
import { editedBy, MOST_CAPTION, paintedBy } from "../../viewmodel/clips";
import { useApp, useOnce, useT, useTitle } from "../context";
import {
  Button,
  ButtonLink,
  Failure,
  Field,
  IconButton,
  InlineProblem,
  Skeleton,
  Switch,
} from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { Player } from "../parts/player";

export function ClipScreen({ id }: { id: string }) {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.clip(id));
  const asking = useSignal(false);
  const edit = useModel(() => app.screens.newEdit());
  useOnce(page.load);
  const clip = page.clip.value.value;
  useTitle(clip?.title || t("painting"));
  useSignalEffect(() => app.look.borrow(page.leading.value));
  useSignalEffect(() => {
    if (!page.gone.value) return;
    app.toasts.say("clip_deleted");
    app.router.replace("/clips");
  });

  if (page.clip.phase.value === "failed") {
    return <Failure problem={page.clip.problem.value} onRetry={page.load} />;
  }
  if (!clip) {
    return (
      <div class="page result">
        <Skeleton kind="frame" />
      </div>
    );
  }
  const original = page.original.value;
  const sound = page.sound.value;
  const begin = async (creating: Promise<Project | null>) => {
    const created = await creating;
    if (created) app.router.go(`/edit/${created.id}`);
  };
  return (
    <div class="page result">
      <div class="result-stage">
        <Player
          key={clip.id}
          video={clip.video_url}
          poster={clip.poster_url}
          captions={clip.captions_url}
          original={original}
          width={clip.width}
          height={clip.height}
          title={clip.title || t("painting")}
        />
      </div>
      <div class="result-side">
        <header class="result-head">
          {page.naming.value ? (
            <input
              class="title-input"
              ref={focusNow}
              maxLength={120}
              defaultValue={clip.title}
              aria-label={t("title")}
              onBlur={(event) => void page.rename(event.currentTarget.value)}
              onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
            />
          ) : (
            <h1>{clip.title || t("untitled")}</h1>
          )}
          {!page.naming.value && <IconButton icon={Pencil} label={t("rename")} onClick={page.startNaming} />}
        </header>
        <InlineProblem problem={page.problem.value ?? edit.problem.value} />
        <Story clip={clip} />
        <div class="row">
          <ButtonLink icon={Paintbrush} kind={clip.recipe ? "quiet" : "main"} href={paintUrl(clip)}>
            {t(paintedBy(clip) ? "paint_again" : "paint_it")}
          </ButtonLink>
          <Button
            icon={Scissors}
            busy={edit.phase.value === "sending"}
            onClick={() => void begin(edit.create({ clip_id: clip.id }))}
          >
            {t("edit")}
          </Button>
          {sound && (
            <Button icon={Music} onClick={() => void begin(edit.createWithSound(sound))}>
              {t("use_this_sound")}
            </Button>
          )}
          <ButtonLink icon={Download} href={clip.video_url} download={`${clip.title || "impasto"}.mp4`}>
            {t("download")}
          </ButtonLink>
          <IconButton icon={Trash2} label={t("delete_clip")} onClick={() => (asking.value = true)} />
        </div>
        {clip.recipe && <PublishForm clip={clip} />}
      </div>
      {asking.value && (
        <Confirm
          title={t("delete_clip")}
          text={t("delete_clip_text")}
          yes={t("delete")}
          onYes={() => void page.remove()}
          onClose={() => (asking.value = false)}
        />
      )}
    </div>
  );
}

/** Painting again starts from the original, with the same styles. */
function paintUrl(clip: Clip): string {
  const recipe = paintedBy(clip);
  const source = recipe ? (clip.parents[0]?.id ?? clip.id) : clip.id;
  const styles = recipe?.styles.map(({ slug }) => encodeURIComponent(slug)).join(",");
  return `/create?clip=${source}${styles ? `&styles=${styles}` : ""}`;
}

/** How it came to be. */
function Story({ clip }: { clip: Clip }) {
  const { i18n } = useApp();
  const { t } = i18n;
  const size = `${clip.width} × ${clip.height}`;
  const edited = editedBy(clip);
  if (edited) return <Credits credits={edited.credits} size={size} />;
  const recipe = paintedBy(clip);
  if (!recipe) return <p class="faint">{`${size} · ${t("original")}`}</p>;
  return (
    <p class="story">
      {t("painted_with")}{" "}
      {recipe.styles.map((style, index) => (
        <span key={style.slug}>
          {index > 0 && " + "}
          <a class="serif" href={`/s/${encodeURIComponent(style.slug)}`}>
            {style.name}
          </a>
          {recipe.styles.length > 1 && ` ${Math.round(share(recipe.styles, style.weight) * 100)} %`}
        </span>
      ))}
      <small>
        {t("strength")} {Math.round(recipe.strength * 100)} %
        {(recipe.brush ?? 1) !== 1 && ` · ${t("brush")} ${Math.round(recipe.brush! * 100)} %`}
        {recipe.keep_colors && ` · ${t("keep_colors")}`} · {size} · {recipe.model.name} {recipe.model.version}
      </small>
    </p>
  );
}

/** Of an edit: whom its music and clips are from. */
function Credits({ credits, size }: { credits: string[]; size: string }) {
  const t = useT();
  return (
    <p class="story">
      {t("edited")}
      <small>{size}</small>
      {credits.length > 0 && <small>{`${t("credits")}: ${credits.join(" · ")}`}</small>}
    </p>
  );
}

const share = (styles: { weight: number }[], weight: number) =>
  weight / (styles.reduce((sum, style) => sum + style.weight, 0) || 1);

function PublishForm({ clip }: { clip: Clip }) {
  const app = useApp();
  const t = useT();
  const hasOriginal = clip.parents.length > 0 && paintedBy(clip) !== null;
  const form = useModel(() => app.screens.publish(clip.id, hasOriginal));
  const post = form.post.value;
  if (post) {
    return (
      <section class="published" role="status">
        <span class="state-mark">
          <Icon of={Check} size={32} />
        </span>
        <h2>{t("published")}</h2>
        <p>{t("published_text")}</p>
        <ButtonLink kind="main" href={`/p/${post.id}`}>
          {t("look_at_it")}
        </ButtonLink>
      </section>
    );
  }
  return (
    <form
      class="publish"
      onSubmit={(event) => {
        event.preventDefault();
        void form.publish();
      }}
    >
      <h2>{t("publish")}</h2>
      <Field label={t("caption")} hint={t("caption_hint")} errors={form.problem.value?.fields.caption}>
        <textarea
          rows={3}
          maxLength={MOST_CAPTION}
          value={form.caption.value}
          placeholder={t("caption_placeholder")}
          onInput={(event) => form.write(event.currentTarget.value)}
        />
      </Field>
      {form.hashtags.value.length > 0 && (
        <p class="tags">
          {form.hashtags.value.map((tag) => (
            <span key={tag} class="tag">
              #{tag}
            </span>
          ))}
        </p>
      )}
      {hasOriginal && (
        <Switch
          label={t("show_original")}
          hint={t("show_original_hint")}
          on={form.showOriginal.value}
          onChange={form.setShowOriginal}
        />
      )}
      <InlineProblem problem={form.problem.value} />
      <Button
        kind="main"
        type="submit"
        wide
        icon={Send}
        busy={form.phase.value === "sending"}
        disabled={!form.canPublish.value}
      >
        {t("publish")}
      </Button>
    </form>
  );
}

/** Whoever pressed "rename" wants to type. */
const focusNow = (input: HTMLInputElement | null) => input?.focus();

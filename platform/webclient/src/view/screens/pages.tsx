import { useModel, useSignalEffect } from "@preact/signals";
import { Hash, Images, Paintbrush, Settings } from "lucide";

import type { Style } from "../../model/types";
import { useApp, useOnce, useT, useTitle } from "../context";
import { Avatar, ButtonLink, Empty, Failure, Skeleton } from "../parts/basics";
import { PostGrid } from "../parts/cards";

export function ProfileScreen({ username }: { username: string }) {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.profile(username));
  useOnce(page.load);
  const user = page.user.value.value;
  const mine = app.session.me.value?.username === username;
  const name = user?.display_name || username;
  useTitle(name);
  if (page.user.phase.value === "failed") {
    return <Failure problem={page.user.problem.value} onRetry={page.load} />;
  }
  return (
    <div class="page">
      <header class="profile-head">
        <Avatar name={name} size="large" />
        <div>
          <h1>{name}</h1>
          <p class="faint">
            @{username}
            {user && ` · ${t("joined", { date: app.i18n.date(user.joined_at) })}`}
          </p>
          {user ? <p>{t("post_count", { count: user.post_count })}</p> : <Skeleton kind="line" />}
        </div>
        {mine && (
          <ButtonLink icon={Settings} href="/settings">
            {t("settings")}
          </ButtonLink>
        )}
        {user?.bio && <p class="bio">{user.bio}</p>}
      </header>
      <PostGrid
        posts={page.posts}
        empty={
          <Empty
            icon={Images}
            title={t(mine ? "profile_empty_mine" : "profile_empty")}
            action={
              mine && (
                <ButtonLink kind="main" href="/create">
                  {t("new_painting")}
                </ButtonLink>
              )
            }
          />
        }
      />
    </div>
  );
}

export function StyleScreen({ slug }: { slug: string }) {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.style(slug));
  useOnce(page.load);
  useSignalEffect(() => app.look.borrow(page.style.value.value));
  const style = page.style.value.value;
  useTitle(style?.name);
  if (page.style.phase.value === "failed") {
    return <Failure problem={page.style.problem.value} onRetry={page.load} />;
  }
  return (
    <div class="page">
      {style ? (
        <StyleHead style={style} />
      ) : (
        <div class="style-head">
          <Skeleton kind="frame" />
        </div>
      )}
      <h2 class="section-title">{t("painted_with_it")}</h2>
      <PostGrid posts={page.posts} empty={<Empty icon={Paintbrush} title={t("style_empty")} />} />
    </div>
  );
}

function StyleHead({ style }: { style: Style }) {
  const t = useT();
  const facts: [string, string][] = [
    [t("artist"), style.artist],
    [t("year"), String(style.year ?? "")],
    [t("licence"), style.licence],
    [t("credit"), style.credit],
  ];
  return (
    <section class="style-head">
      <img class="style-picture" src={style.image_url} alt={style.name} />
      <div>
        <h1 class="serif">{style.name}</h1>
        <dl class="facts stacked">
          {facts
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
        <div class="palette" role="img" aria-label={`${t("palette")}: ${style.palette.join(", ")}`}>
          {style.palette.map((color) => (
            <span key={color} style={{ background: color }} />
          ))}
        </div>
        <ButtonLink kind="main" icon={Paintbrush} href={`/create?styles=${encodeURIComponent(style.slug)}`}>
          {t("paint_with_this")}
        </ButtonLink>
      </div>
    </section>
  );
}

export function HashtagScreen({ tag }: { tag: string }) {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.hashtag(tag));
  useOnce(page.load);
  useTitle(`#${tag}`);
  return (
    <div class="page">
      <header class="page-head">
        <h1>
          <span class="accent-text">#</span>
          {tag}
        </h1>
      </header>
      <PostGrid
        posts={page.posts}
        empty={
          <Empty
            icon={Hash}
            title={t("hashtag_empty", { tag })}
            action={<ButtonLink href="/">{t("to_the_feed")}</ButtonLink>}
          />
        }
      />
    </div>
  );
}

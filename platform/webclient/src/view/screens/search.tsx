import { useModel } from "@preact/signals";
import { Search, SearchX } from "lucide";

import { useApp, useOnce, useT, useTitle } from "../context";
import { Avatar, Empty, Failure, InlineProblem, Skeleton } from "../parts/basics";
import { PostTile, Sentinel, StyleTile } from "../parts/cards";
import { Icon } from "../parts/icon";

export function SearchScreen() {
  const app = useApp();
  const t = useT();
  const search = useModel(() => app.screens.search());
  useOnce(search.load);
  useTitle(t("search"));
  const { styles } = search;
  const person = search.person.value;
  return (
    <div class="page">
      <h1 class="unseen">{t("search")}</h1>
      <label class="search-box">
        <Icon of={Search} />
        <input
          type="search"
          value={search.text.value}
          placeholder={t("search_placeholder")}
          aria-label={t("search")}
          onInput={(event) => search.write(event.currentTarget.value)}
        />
      </label>
      <p class="unseen" role="status">
        {search.phase.value === "done" &&
          t("search_found", { count: search.found.value.length + search.posts.value.length })}
      </p>
      {search.nothing.value && (
        <Empty icon={SearchX} title={t("search_nothing", { word: search.word.value })}>
          {t("search_nothing_text")}
        </Empty>
      )}
      {person && (
        <a class="person" href={`/u/${encodeURIComponent(person.username)}`}>
          <Avatar name={person.display_name || person.username} />
          <span>
            <strong>{person.display_name || person.username}</strong>
            <small>@{person.username}</small>
          </span>
        </a>
      )}
      {search.phase.value === "failed" && (
        <InlineProblem problem={search.problem.value} onRetry={search.retry} />
      )}
      {search.posts.value.length > 0 && (
        <section>
          <h2 class="section-title">
            <a href={`/t/${encodeURIComponent(search.word.value.toLowerCase())}`}>
              #{search.word.value.toLowerCase()}
            </a>
          </h2>
          <div class="grid">
            {search.posts.value.slice(0, 8).map((post) => (
              <PostTile key={post.id} post={post} />
            ))}
          </div>
        </section>
      )}
      {styles.phase.value === "failed" && <Failure problem={styles.problem.value} onRetry={styles.load} />}
      {(search.found.value.length > 0 || styles.phase.value === "loading") && (
        <section>
          <h2 class="section-title">{t("styles")}</h2>
          <div class="grid">
            {styles.phase.value === "loading" && <Skeleton kind="tile" count={8} />}
            {search.found.value.map((style) => (
              <StyleTile key={style.slug} style={style} />
            ))}
          </div>
        </section>
      )}
      {styles.hasMore.value && <Sentinel onReach={styles.more} />}
    </div>
  );
}

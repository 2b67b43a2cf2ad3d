import { useEffect, useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";

import type { AppModel } from "../viewmodel/app";
import type { Route } from "../viewmodel/router";
import { AppContext, useT, useTitle } from "./context";
import { Empty, Failure, Loading, ButtonLink } from "./parts/basics";
import { Confirm } from "./parts/dialog";
import { FollowCard } from "./parts/follow-card";
import { Lazy } from "./parts/lazy";
import { Navigation, OfflineBar, Toaster } from "./parts/shell";
import { ClipScreen } from "./screens/clip";
import { ClipsScreen } from "./screens/clips";
import { CreateScreen } from "./screens/create";
import { DoorScreen } from "./screens/door";
import { EditsScreen } from "./screens/edits";
import { JobScreen } from "./screens/job";
import { HashtagScreen, ProfileScreen, StyleScreen } from "./screens/pages";
import { SearchScreen } from "./screens/search";
import { SettingsScreen } from "./screens/settings";
import { WallScreen } from "./screens/wall";
import { MapPinOff } from "lucide";

const PRIVATE = new Set<Route["screen"]>(["create", "job", "clip", "clips", "edit", "edits"]);
/** The bench is as much code as all the rest. */
const loadBench = async () => (await import("./edit/screen")).EditScreen;
/** So are camera, painter and film. */
const loadRecord = async () => (await import("./live/record")).RecordScreen;
const loadRestyleHere = async () => (await import("./live/restyle-here")).RestyleHereScreen;
const loadSpeed = async () => (await import("./live/speed")).SpeedScreen;

export function Root({ app }: { app: AppModel }) {
  const main = useRef<HTMLElement>(null);
  useAppearance(app);

  useLinks(app, () => main.current?.focus({ preventScroll: true }));

  const { route, path } = app.router;
  const wall = route.value.screen === "feed" || route.value.screen === "post";
  const bench = route.value.screen === "edit" && app.session.isMember.value;
  return (
    <AppContext.Provider value={app}>
      <div class={`shell${wall ? " on-wall" : ""}${bench ? " on-bench" : ""}`}>
        <SkipLink />
        <Navigation />
        <OfflineBar />
        <FollowCard />
        <main id="main" ref={main} tabIndex={-1} key={path.value}>
          <Screen app={app} route={route.value} />
        </main>
        <Toaster />
        {app.router.isAsking.value && <Leaving app={app} />}
      </div>
    </AppContext.Provider>
  );
}

function Leaving({ app: { router } }: { app: AppModel }) {
  const t = useT();
  return (
    <Confirm
      title={t("leave_painting")}
      text={t("leave_painting_text")}
      yes={t("leave")}
      no={t("go_on_painting")}
      onYes={router.leave}
      onClose={router.stay}
    />
  );
}

function SkipLink() {
  const t = useT();
  return (
    <a
      class="skip-link"
      href="#main"
      onClick={(event) => {
        event.preventDefault();
        document.querySelector<HTMLElement>("#main")?.focus();
      }}
    >
      {t("skip_to_content")}
    </a>
  );
}

function Screen({ app, route }: { app: AppModel; route: Route }) {
  const { session } = app;
  if (PRIVATE.has(route.screen)) {
    if (session.phase.value === "unknown") return <Loading />;
    if (session.phase.value === "failed") {
      return <Failure problem={session.problem.value} onRetry={session.resume} />;
    }
    if (!session.isMember.value) return <DoorScreen page="login" asked />;
  }
  switch (route.screen) {
    case "feed":
      return <WallScreen source={{}} />;
    case "post":
      return <WallScreen source={{ id: route.id }} />;
    case "create":
      return <CreateScreen />;
    case "record":
      return <Lazy key="record" load={loadRecord} props={{}} />;
    case "restyle-here":
      return <Lazy key="restyle-here" load={loadRestyleHere} props={{}} />;
    case "speed":
      return <Lazy key="speed" load={loadSpeed} props={{}} />;
    case "job":
      return <JobScreen id={route.id} />;
    case "clip":
      return <ClipScreen id={route.id} />;
    case "clips":
      return <ClipsScreen />;
    case "edits":
      return <EditsScreen />;
    case "edit":
      return <Lazy load={loadBench} props={{ id: route.id }} />;
    case "style":
      return <StyleScreen slug={route.slug} />;
    case "profile":
      return <ProfileScreen username={route.username} />;
    case "hashtag":
      return <HashtagScreen tag={route.tag} />;
    case "search":
      return <SearchScreen />;
    case "settings":
      return <SettingsScreen />;
    case "login":
    case "signup":
      return <DoorScreen page={route.screen} />;
    default:
      return <Missing />;
  }
}

function Missing() {
  const t = useT();
  useTitle(t("problem_404"));
  return (
    <Empty
      whole
      icon={MapPinOff}
      title={t("problem_404")}
      action={<ButtonLink href="/">{t("to_the_feed")}</ButtonLink>}
    >
      {t("problem_404_detail")}
    </Empty>
  );
}

/** Theme, accent and language belong to the document. */
function useAppearance(app: AppModel) {
  useSignalEffect(() => {
    const { documentElement: root } = document;
    root.dataset.theme = app.look.shown.value;
    root.lang = app.i18n.locale.value === "zh" ? "zh-Hans" : "en";
    root.style.setProperty("--accent", app.look.accent.value);
    root.style.setProperty("--on-accent", app.look.onAccent.value);
    document
      .querySelector("meta[name=theme-color]")
      ?.setAttribute("content", app.look.shown.value === "dark" ? "#0e0d0c" : "#faf7f2");
  });
  // A screen that borrows no accent shows the neutral one; a job keeps the accent of the easel it came from.
  useEffect(() => {
    if (app.router.route.value.screen !== "job") app.look.borrow(null);
  }, [app.router.path.value]);
}

/** A link of this site changes the screen without loading the page anew. */
function useLinks(app: AppModel, afterwards: () => void) {
  useEffect(() => {
    const follow = (event: MouseEvent) => {
      const link = (event.target as Element).closest("a");
      if (!link || event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
      if (/^\/(api|media|admin|static|_allauth)\//.test(link.pathname)) return;
      event.preventDefault();
      if (!app.router.go(link.pathname + link.search)) return;
      scrollTo(0, 0);
      afterwards();
    };
    document.addEventListener("click", follow);
    return () => document.removeEventListener("click", follow);
  }, [app]);
}

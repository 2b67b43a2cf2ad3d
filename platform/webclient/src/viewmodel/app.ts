import { computed, createModel, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";

import type { Api } from "../model/api";
import type { Auth } from "../model/auth";
import type { StayAwake } from "../model/awake";
import type { Drafts } from "../model/drafts";
import type { JobsEvent } from "../model/jobs-feed";
import type { Preferences } from "../model/preferences";
import type { Job, PostFilter } from "../model/types";
import { ClipPage, MyClips, PublishClip } from "./clips";
import { Demos } from "./demos";
import type { EditPorts } from "./edit";
import type { FilmKind, LivePorts } from "./live";
import type { LocalPorts, Made } from "./local-restyle";
import type { SpeedPorts } from "./speed";
import { I18n } from "./i18n";
import { type Feed, Jobs } from "./jobs";
import { Look } from "./look";
import { Easel, type PaintPorts } from "./paint";
import { HashtagPage, Profile, Search, Settings, StylePage } from "./pages";
import { MyProjects, NewEdit } from "./projects";
import { Comments, Report, type SharingPorts, Wall } from "./posts";
import { type HistoryPort, Router, safeNext } from "./router";
import { Confirmation, Door, type DoorKind, Session } from "./session";
import { Toasts } from "./toasts";
import { type Over, refusal, UploadProgress, type UploadPorts } from "./upload";

/** Everything outside: the browser hands in the real ones, a test its own. */
export interface Services {
  api: Api;
  auth: Auth;
  uploads: UploadPorts["uploads"];
  openFeed: (listener: (event: JobsEvent) => void) => Feed;
  preferences: Preferences;
  drafts: Pick<Drafts, "read" | "write" | "forget">;
  recorder: EditPorts["recorder"];
  live: LivePorts["live"];
  onHidden: LivePorts["onHidden"];
  onLeave: LivePorts["onLeave"];
  stayAwake: StayAwake;
  /** Have the browser ask before the document is left; the answer ends that. */
  askBeforeLeaving: () => () => void;
  copyText: SharingPorts["copyText"];
  sharing: Omit<SharingPorts, "copyText">;
  device: () => SpeedPorts["device"];
  history: HistoryPort;
  pictures: PaintPorts["pictures"];
  languages: readonly string[];
  systemIsDark: () => boolean;
  wantsCalm: () => boolean;
  newKey: () => string;
  now: () => number;
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
}

/** What outlives a screen, and the makers of the screens' own view-models. */
export const App = createModel((services: Services) => {
  const { api, newKey } = services;
  const router = new Router(services.history);
  const session = new Session(services.auth, api);
  const i18n = new I18n(services.preferences, services.languages);
  const look = new Look(services.preferences, services.systemIsDark);
  const toasts = new Toasts(services.setTimeout);
  const online = signal(true);
  const muted = signal(true);
  /** A film that goes as soon as there is a network, and whether whoever gave it is still where they were. */
  let waiting: { film: File; over: Over; next: string; isHere: boolean } | null = null;
  const made = signal<Made | null>(null);

  const jobs = new Jobs(services.openFeed, api, jobEnded, () => void session.resume());
  const upload = new UploadProgress({ uploads: services.uploads, api, jobs, now: services.now }, clipArrived);

  function jobEnded(job: Job) {
    const here = router.path.peek() === `/job/${job.id}`;
    if (job.kind === "ingest" || here) return;
    const what = job.kind === "render" ? "video" : "painting";
    const clipId = job.result?.clip_id;
    if (job.state === "succeeded" && clipId) toasts.say(`${what}_ready`, { href: `/clip/${clipId}` });
    if (job.state === "failed") toasts.say(`${what}_failed`, { href: `/job/${job.id}` });
  }

  function clipArrived(clipId: string) {
    const query = router.query.peek();
    // What was painted on the device needs no easel any more.
    if (router.path.peek() === "/create" && query.has("painted")) {
      router.replace(`/clip/${clipId}`);
      return;
    }
    const styles = query.get("styles");
    const easel = `/create?clip=${clipId}${styles ? `&styles=${encodeURIComponent(styles)}` : ""}`;
    if (router.path.peek() === "/create" && !query.has("clip")) router.replace(easel);
    else toasts.say("clip_ready", { href: easel });
  }

  effect(() => {
    if (session.isMember.value) {
      jobs.start();
      const me = session.me.peek();
      if (me && waiting) untracked(giveWaiting);
      else if (me) void upload.resume(me.username);
    } else if (session.phase.value === "guest") {
      jobs.stop();
      // Whoever logs in now may be somebody else.
      untracked(giveBack);
    }
  });

  // An upload under way has a copy of its own, which outlives the document.
  const wouldLose = computed(() => made.value !== null && !made.value.saved && !upload.busy.value);
  effect(() => (wouldLose.value ? services.askBeforeLeaving() : undefined));

  effect(() => {
    const ingest = jobs.active.value.find((job) => job.kind === "ingest");
    if (ingest && upload.phase.value === "idle") upload.adopt(ingest);
  });

  effect(() => {
    // Whoever has walked on may be recording something else when the network is back.
    if (router.path.value && waiting) waiting.isHere = false;
  });

  /** Also before the screen is left within the document. */
  function askBeforeLeaving() {
    const ends = [services.askBeforeLeaving(), router.hold()];
    return () => ends.forEach((end) => end());
  }

  /** True for a member; a guest is shown the door and comes back here afterwards. */
  function member(): boolean {
    if (session.isMember.value) return true;
    toasts.say("sign_in_first");
    router.go(`/login?next=${encodeURIComponent(router.url.value)}`);
    return false;
  }

  /**
   * A film made on this device goes the way of every upload; `over` is called once it is a clip or will not be one.
   *
   * @returns whether the uploads have it, or will once there is a network
   */
  function useFilm(film: File, kind: FilmKind, over: Over, style: string | null = null): boolean {
    const easel = style ? `/create?styles=${encodeURIComponent(style)}` : "/create";
    const next = kind === "painted" ? "/create?painted=1" : easel;
    giveBack();
    if (session.phase.peek() === "failed" || session.phase.peek() === "unknown") {
      // Without a network nobody knows who this is; they need not ask again.
      waiting = { film, over, next, isHere: true };
      toasts.say("film_waits");
      return true;
    }
    if (!member() || !give(film, over)) return false;
    router.go(next);
    return true;
  }

  /** Nothing waits any more; whoever gave it has the only copy. */
  function giveBack() {
    const before = waiting;
    waiting = null;
    before?.over(false);
  }

  /** There is a network again. */
  function giveWaiting() {
    const { film, over, next, isHere } = waiting!;
    waiting = null;
    if (!give(film, over)) over(false);
    else if (isHere) router.go(next);
  }

  /** @returns whether the uploads have it */
  function give(film: File, over: Over): boolean {
    const me = session.me.peek();
    if (!me) return false;
    if (upload.busy.peek()) {
      toasts.say("upload_busy");
      return false;
    }
    const refused = refusal(film, me.limits.upload_bytes);
    if (refused) {
      toasts.say("try_again", { problem: refused });
      return false;
    }
    upload.choose(film, me.username, me.limits.upload_bytes, over);
    return true;
  }

  return {
    router,
    session,
    i18n,
    look,
    toasts,
    jobs,
    upload,
    online: online as ReadonlySignal<boolean>,
    muted: muted as ReadonlySignal<boolean>,
    member,
    toggleSound() {
      muted.value = !muted.value;
    },
    connection(isOnline: boolean) {
      online.value = isOnline;
      if (!isOnline) return;
      jobs.wake();
      if (upload.phase.value === "waiting") void upload.goOn();
      if (session.phase.value === "failed") void session.resume();
    },
    awake: () => jobs.wake(),
    async logOut() {
      await upload.pause();
      upload.dismiss();
      giveBack();
      // What one painted here is not for whoever logs in next.
      made.value = null;
      await session.logOut();
      router.go("/");
    },

    /** For the bench, which is loaded only when somebody edits. */
    editing: (): EditPorts => ({
      ...services,
      jobs,
      secondsMost: () => session.me.peek()?.limits.clip_seconds ?? null,
    }),

    /** For the screens that paint on the device, loaded only when somebody opens them. */
    filming: (): LivePorts & LocalPorts => ({
      ...services,
      made,
      askBeforeLeaving,
      use: useFilm,
      takeBack: (film) => {
        if (waiting?.film === film) waiting = null;
      },
      secondsMost: () => session.me.value?.limits.clip_seconds ?? null,
    }),
    measuring: (): SpeedPorts => ({ ...services, device: services.device() }),

    screens: {
      wall: (source: PostFilter | { id: string }) =>
        new Wall(
          {
            api,
            newKey,
            go: router.go,
            member,
            calm: services.wantsCalm,
            say: (kind, problem) => toasts.say(kind, problem && { problem }),
            sharing: { ...services.sharing, copyText: services.copyText },
          },
          source,
        ),
      comments: (postId: string, onCount: (by: number) => void) => new Comments(api, postId, onCount),
      report: (target: "post" | "comment", id: string) => new Report(api, target, id),
      easel: (clipId: string, styles: readonly string[]) => new Easel({ ...services }, clipId, styles),
      demos: () => new Demos(api),
      clips: () => new MyClips(api),
      clip: (id: string) => new ClipPage(api, id),
      newEdit: () => new NewEdit(api, newKey),
      projects: () => new MyProjects(api, (id) => services.drafts.forget(id)),
      publish: (clipId: string, hasOriginal: boolean) => new PublishClip(api, clipId, newKey, hasOriginal),
      style: (slug: string) => new StylePage(api, slug),
      profile: (username: string) => new Profile(api, username),
      hashtag: (tag: string) => new HashtagPage(api, tag),
      search: () => new Search(services),
      settings: () => new Settings(api, session),
      door: (kind: DoorKind) => {
        const query = router.query.peek();
        return new Door(session, services.auth, kind, query.get("reset") ?? "", () =>
          router.replace(safeNext(query.get("next"))),
        );
      },
      /** The same door on a page that needs a member: afterwards that page is simply there. */
      doorHere: () => new Door(session, services.auth, "login", "", () => undefined),
      confirmation: (key: string) => new Confirmation(services.auth, key),
    },
  };
});

export type AppModel = InstanceType<typeof App>;

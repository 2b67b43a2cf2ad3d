import type { Http } from "./http";
import type {
  Clip,
  Comment,
  EditList,
  EditSummary,
  Job,
  Me,
  Page,
  Post,
  PostFilter,
  Project,
  ProjectBrief,
  RecipeIn,
  ReportReason,
  Sound,
  SoundEdit,
  SoundFilter,
  Style,
  UploadState,
  User,
} from "./types";

const ROOT = "/api/v1";

/** One method for each call of docs/api.md; nothing here decides anything. */
export class Api {
  readonly #http: Http;
  readonly #newKey: () => string;

  constructor(http: Http, newKey: () => string) {
    this.#http = http;
    this.#newKey = newKey;
  }

  me = () => this.#get<Me>("/me/");
  changeMe = (fields: { display_name?: string; bio?: string }) =>
    this.#http.json<Me>("PATCH", `${ROOT}/me/`, { body: fields });
  user = (username: string) => this.#get<User>(`/users/${encodeURIComponent(username)}/`);

  upload = (id: string) => this.#get<UploadState>(`/uploads/${id}`);

  /** The list may be a plain array or a page, as the server likes. */
  activeJobs = async (): Promise<Job[]> => {
    const answer = await this.#get<Job[] | Page<Job>>("/jobs/?active=true");
    return Array.isArray(answer) ? answer : answer.results;
  };
  job = (id: string) => this.#get<Job>(`/jobs/${id}/`);
  cancelJob = (id: string) => this.#post<Job>(`/jobs/${id}/cancel/`);
  retryJob = (id: string) => this.#post<Job>(`/jobs/${id}/retry/`);

  clips = () => this.#get<Page<Clip>>("/clips/");
  demoClips = () => this.#get<Page<Clip>>("/clips/?demo=true");
  clip = (id: string) => this.#get<Clip>(`/clips/${id}/`);
  clipPeaks = (id: string) => this.#get<{ per_second: number; peaks: number[] }>(`/clips/${id}/peaks/`);
  renameClip = (id: string, title: string) =>
    this.#http.json<Clip>("PATCH", `${ROOT}/clips/${id}/`, { body: { title } });
  deleteClip = (id: string) => this.#http.json<void>("DELETE", `${ROOT}/clips/${id}/`);
  preview = (clipId: string, recipe: RecipeIn, atSeconds: number, signal?: AbortSignal) =>
    this.#http.blob("POST", `${ROOT}/clips/${clipId}/preview/`, {
      body: { ...recipe, at_seconds: atSeconds },
      signal,
    });
  restyle = (clipId: string, recipe: RecipeIn, idempotencyKey: string) =>
    this.#http.json<Job>("POST", `${ROOT}/clips/${clipId}/restyle/`, { body: recipe, idempotencyKey });

  styles = (kind: "preset" | "mine") => this.#get<Page<Style>>(`/styles/?kind=${kind}&page_size=100`);
  style = (slug: string) => this.#get<Style>(`/styles/${encodeURIComponent(slug)}/`);
  addStyle = (image: File, name: string) => {
    const form = new FormData();
    form.set("image", image);
    if (name) form.set("name", name);
    return this.#http.json<Style>("POST", `${ROOT}/styles/`, { body: form, idempotencyKey: this.#newKey() });
  };
  deleteStyle = (slug: string) =>
    this.#http.json<void>("DELETE", `${ROOT}/styles/${encodeURIComponent(slug)}/`);

  posts = (filter: PostFilter = {}) => this.#get<Page<Post>>(`/posts/${query({ ...filter })}`);
  post = (id: string) => this.#get<Post>(`/posts/${id}/`);
  publish = (fields: { clip_id: string; caption: string; show_original: boolean }, idempotencyKey: string) =>
    this.#http.json<Post>("POST", `${ROOT}/posts/`, { body: fields, idempotencyKey });
  deletePost = (id: string) => this.#http.json<void>("DELETE", `${ROOT}/posts/${id}/`);
  like = (id: string, liked: boolean) =>
    this.#http.json<{ liked: boolean; like_count: number }>(
      liked ? "PUT" : "DELETE",
      `${ROOT}/posts/${id}/like/`,
    );

  comments = (postId: string) => this.#get<Page<Comment>>(`/posts/${postId}/comments/`);
  addComment = (postId: string, text: string) =>
    this.#http.json<Comment>("POST", `${ROOT}/posts/${postId}/comments/`, {
      body: { text },
      idempotencyKey: this.#newKey(),
    });
  deleteComment = (id: string) => this.#http.json<void>("DELETE", `${ROOT}/comments/${id}/`);
  report = (fields: {
    target: "post" | "comment";
    target_id: string;
    reason: ReportReason;
    detail: string;
  }) => this.#http.json<{ id: string }>("POST", `${ROOT}/reports/`, { body: fields });

  projects = () => this.#get<Page<ProjectBrief>>("/projects/");
  project = (id: string) => this.#get<Project>(`/projects/${id}/`);
  createProject = (
    fields: { title?: string; clip_id?: string; edit?: EditList | SoundEdit },
    idempotencyKey: string,
  ) => this.#http.json<Project>("POST", `${ROOT}/projects/`, { body: fields, idempotencyKey });
  saveProject = (
    id: string,
    fields: { title: string; edit: EditList },
    revision: number,
    keepalive: boolean = false,
  ) =>
    this.#http.json<Project>("PUT", `${ROOT}/projects/${id}/`, {
      body: fields,
      ifMatch: `"${revision}"`,
      keepalive,
    });
  deleteProject = (id: string) => this.#http.json<void>("DELETE", `${ROOT}/projects/${id}/`);
  duplicateProject = (id: string) =>
    this.#http.json<Project>("POST", `${ROOT}/projects/${id}/duplicate/`, { idempotencyKey: this.#newKey() });
  validateEdit = (edit: EditList) =>
    this.#http.json<EditSummary>("POST", `${ROOT}/projects/validate/`, { body: { edit } });
  renderProject = (id: string, title: string, idempotencyKey: string) =>
    this.#http.json<Job>("POST", `${ROOT}/projects/${id}/render/`, { body: { title }, idempotencyKey });

  sounds = (filter: SoundFilter = {}) => this.#get<Page<Sound>>(`/sounds/${query({ ...filter })}`);
  sound = (id: string) => this.#get<Sound>(`/sounds/${id}/`);
  addSound = (audio: Blob, name: string, kind: "music" | "voice") => {
    const form = new FormData();
    form.set("audio", audio, name);
    form.set("title", name.replace(/\.[^.]*$/, "").slice(0, 80));
    form.set("kind", kind);
    return this.#http.json<Sound>("POST", `${ROOT}/sounds/`, { body: form, idempotencyKey: this.#newKey() });
  };
  deleteSound = (id: string) => this.#http.json<void>("DELETE", `${ROOT}/sounds/${id}/`);

  /** Follow a page's `next`, which names this same server. */
  next = <T>(url: string) => {
    const { pathname, search } = new URL(url, "http://here");
    return this.#http.json<Page<T>>("GET", pathname + search);
  };

  #get<T>(path: string): Promise<T> {
    return this.#http.json<T>("GET", ROOT + path);
  }

  #post<T>(path: string): Promise<T> {
    return this.#http.json<T>("POST", ROOT + path);
  }
}

export const jobPreviewUrl = (job: Job) => `${ROOT}/jobs/${job.id}/preview.jpg?frame=${job.frames_done ?? 0}`;

export const posterUrl = (clipId: string) => `/media/clips/${clipId}/poster.jpg`;

export const frameUrl = (clipId: string, atSeconds: number, height: number) =>
  `${ROOT}/clips/${clipId}/frame.jpg${query({ at_seconds: atSeconds.toFixed(3), height: String(height) })}`;

function query(parameters: Record<string, string | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) search.set(name, value);
  return search.size > 0 ? `?${search}` : "";
}

/** The server's nouns, as docs/api.md writes them. Times are ISO 8601, lengths are seconds. */

export interface UserBrief {
  username: string;
  display_name: string;
}

export interface Me extends UserBrief {
  id: string;
  bio: string;
  is_staff: boolean;
  is_moderator: boolean;
  limits: { upload_bytes: number; clip_seconds: number };
}

export interface User extends UserBrief {
  id: string;
  bio: string;
  post_count: number;
  joined_at: string;
}

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";
export type JobStage = "waiting" | "checking" | "converting" | "painting" | "finishing" | "done";

export interface Job {
  id: string;
  kind: "ingest" | "restyle";
  state: JobState;
  stage: JobStage;
  /** 0..1 */
  progress: number;
  frames_done?: number | null;
  frames_total?: number | null;
  frames_per_second?: number | null;
  eta_seconds?: number | null;
  /** 1 is next */
  queue_position?: number | null;
  error?: { code: string; title: string; detail: string } | null;
  subject: { upload_id?: string | null; clip_id?: string | null };
  result: { clip_id?: string | null } | null;
  has_preview: boolean;
  cancel_requested: boolean;
  attempts: number;
  created_at: string;
  started_at?: string | null;
  finished_at?: string | null;
}

export interface Recipe {
  kind: "restyle";
  styles: { slug: string; name: string; weight: number }[];
  strength: number;
  keep_colors: boolean;
  height: number;
  model: { name: string; version: string; sha256: string };
}

export interface ClipParent {
  id: string;
  title: string;
  video_url: string;
  poster_url: string;
}

export interface Clip {
  id: string;
  owner: UserBrief;
  title: string;
  width: number;
  height: number;
  duration_seconds: number;
  frame_rate: number;
  frame_count: number;
  has_audio: boolean;
  bytes: number;
  created_at: string;
  video_url: string;
  poster_url: string;
  sprite: {
    url: string;
    columns: number;
    rows: number;
    frame_width: number;
    frame_height: number;
    count: number;
  } | null;
  parents: ClipParent[];
  recipe: Recipe | null;
  is_demo: boolean;
  /** Whom a clip of the house is from. */
  credit: string;
}

export const heights = [240, 360, 480, 720, 1080] as const;
export type Height = (typeof heights)[number];

export interface RecipeIn {
  styles: { style: string; weight: number }[];
  strength: number;
  keep_colors: boolean;
  height: Height;
}

export interface Style {
  id: string;
  slug: string;
  name: string;
  kind: "preset" | "own";
  artist: string;
  year: string;
  licence: string;
  credit: string;
  image_url: string;
  thumbnail_url: string;
  palette: string[];
  accent: { on_dark: string; on_light: string };
  mine: boolean;
}

export interface StyleBrief {
  slug: string;
  name: string;
  thumbnail_url: string;
}

export interface Post {
  id: string;
  author: UserBrief;
  caption: string;
  hashtags: string[];
  clip: {
    id: string;
    video_url: string;
    poster_url: string;
    width: number;
    height: number;
    duration_seconds: number;
    has_audio: boolean;
  };
  original: { video_url: string; poster_url: string } | null;
  styles: StyleBrief[];
  like_count: number;
  comment_count: number;
  liked: boolean;
  mine: boolean;
  created_at: string;
}

export interface Comment {
  id: string;
  author: UserBrief;
  text: string;
  created_at: string;
  mine: boolean;
}

export interface UploadState {
  id: string;
  filename: string;
  length: number;
  offset: number;
  state: "receiving" | "ingesting" | "done" | "failed";
  job: Job | null;
  clip_id?: string | null;
}

export interface Page<T> {
  results: T[];
  next: string | null;
  previous: string | null;
}

export const reportReasons = ["spam", "abuse", "sexual", "violence", "copyright", "other"] as const;
export type ReportReason = (typeof reportReasons)[number];

export interface PostFilter {
  author?: string;
  hashtag?: string;
  style?: string;
}

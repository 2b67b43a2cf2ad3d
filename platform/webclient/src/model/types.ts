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
  kind: "ingest" | "restyle" | "render";
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
  subject: { upload_id?: string | null; clip_id?: string | null; project_id?: string | null };
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
  /** Missing on paintings made before there were brushes. */
  brush?: number;
  keep_colors: boolean;
  height: number;
  model: { name: string; version: string; sha256: string };
}

/** How a clip came out of the editor. */
export interface EditRecipe {
  kind: "edit";
  edit: EditList;
  credits: string[];
  /** WebVTT, or nothing */
  captions?: string;
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
  /** WebVTT */
  captions_url: string | null;
  sprite: {
    url: string;
    columns: number;
    rows: number;
    frame_width: number;
    frame_height: number;
    count: number;
  } | null;
  parents: ClipParent[];
  recipe: Recipe | EditRecipe | null;
  is_demo: boolean;
  /** Whom a clip of the house is from. */
  credit: string;
}

export const heights = [240, 360, 480, 720, 1080] as const;
export type Height = (typeof heights)[number];

export interface RecipeIn {
  styles: { style: string; weight: number }[];
  strength: number;
  /** Size of strokes beside the frame: 1 as the network paints at 480 lines. */
  brush: number;
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
    /** WebVTT */
    captions_url: string | null;
  };
  original: { video_url: string; poster_url: string } | null;
  styles: StyleBrief[];
  /** Whom the music and the demo clips in it are from. */
  credits: string[];
  /** Its music, where everybody may use it. */
  sound: SoundBrief | null;
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

// ---- the editor: docs/editor.md says what the numbers mean; times are seconds, places shares of the canvas ----

export const aspects = ["9:16", "1:1", "16:9"] as const;
export type Aspect = (typeof aspects)[number];
export const shortSides = [360, 480, 720, 1080] as const;
export type ShortSide = (typeof shortSides)[number];
export const frameRates = [24, 25, 30, 50, 60] as const;
export type FrameRate = (typeof frameRates)[number];
export const fits = ["fit", "fill", "blur"] as const;
export type Fit = (typeof fits)[number];
export const transitionKinds = ["cut", "crossfade", "dip"] as const;
export type TransitionKind = (typeof transitionKinds)[number];
export const fonts = ["sans", "serif", "hand"] as const;
export type FontName = (typeof fonts)[number];
export const stickerNames = [
  "heart",
  "star",
  "arrow",
  "circle",
  "bubble",
  "spark",
  "cross",
  "check",
] as const;
export type StickerName = (typeof stickerNames)[number];

export interface Canvas {
  aspect: Aspect;
  short_side: ShortSide;
  frame_rate: FrameRate;
}

export interface Crop {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface View {
  crop: Crop;
  zoom: number;
  /** Degrees, clockwise */
  rotation: number;
  x: number;
  y: number;
}

export interface Filters {
  brightness: number;
  contrast: number;
  saturation: number;
  warmth: number;
}

export interface Transition {
  kind: TransitionKind;
  seconds: number;
}

export interface Segment {
  id: string;
  clip: string;
  start: number;
  end: number;
  speed: number;
  reverse: boolean;
  fit: Fit;
  view: View;
  filters: Filters;
  volume: number;
  transition: Transition;
  /** The clip that stood here before it was restyled */
  unstyled: string | null;
}

export interface TextOn {
  id: string;
  start: number;
  end: number;
  text: string;
  kind: "title" | "caption";
  font: FontName;
  size: number;
  colour: string;
  background: string | null;
  outline: boolean;
  x: number;
  y: number;
  width: number;
}

export interface StickerOn {
  id: string;
  start: number;
  end: number;
  name: StickerName;
  size: number;
  colour: string;
  rotation: number;
  x: number;
  y: number;
}

export interface Music {
  track: string;
  start: number;
  volume: number;
  fade_in: number;
  fade_out: number;
  ducking: number;
}

export interface Voice {
  id: string;
  sound: string;
  at: number;
  start: number;
  end: number | null;
  volume: number;
}

export interface EditList {
  version: 1;
  canvas: Canvas;
  segments: Segment[];
  texts: TextOn[];
  stickers: StickerOn[];
  original_volume: number;
  music: Music | null;
  voices: Voice[];
  markers: number[];
  cover: number;
}

/** An edit with music and nothing else; what it does not say is up to the server. */
export interface SoundEdit {
  version: 1;
  music: Pick<Music, "track"> & Partial<Music>;
}

export interface ProjectBrief {
  id: string;
  title: string;
  revision: number;
  duration_seconds: number;
  poster_url: string | null;
  created_at: string;
  updated_at: string;
}

export interface Project extends ProjectBrief {
  edit: EditList;
  /** Those that the edit names and that are still there. */
  clips: Clip[];
  sounds: Sound[];
  /** Ids that the edit names and that are gone */
  missing?: string[];
}

export interface SoundBrief {
  id: string;
  title: string;
  author: string;
}

export interface Sound extends SoundBrief {
  kind: "library" | "music" | "voice";
  licence: string;
  credit: string;
  moods: string[];
  bpm?: number | null;
  beats: number[];
  /** 0..1, 20 a second */
  peaks: number[];
  duration_seconds: number;
  audio_url: string;
  mine: boolean;
}

export interface SoundFilter {
  kind?: "library" | "mine";
  mood?: string;
  bpm_min?: string;
  bpm_max?: string;
  q?: string;
}

export interface EditSummary {
  width: number;
  height: number;
  frame_rate: number;
  frames: number;
  duration_seconds: number;
  segments: { id: string; start_seconds: number; end_seconds: number }[];
}

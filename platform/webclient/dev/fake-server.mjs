// A pretend server for looking at screens without the real one: `FAKE_DATA=folder npm run fake`, then open the
// address it prints. The folder holds clips/*.mp4, presets/*.jpg with CREDITS.tsv and music/*.ogg. FAKE_POSTERS may hold
// for each clip a poster (name.jpg), its facts (name.json: width, height, frame_rate …) and a sprite (name.sprite.jpg),
// and for each sound its peaks (name.sound.json). Nothing here paints; a "painted" clip is another clip and a preview is
// the style's own picture. Never part of the build.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, resolve } from "node:path";
import { WebSocketServer } from "ws";

const data = resolve(process.env.FAKE_DATA ?? "data");
const dist = resolve(import.meta.dirname, "../dist");
const editorFolder = process.env.FAKE_EDITOR ?? resolve(import.meta.dirname, "../../../editor");
const port = Number(process.env.PORT ?? 8800);
const now = () => new Date().toISOString();

const world = { member: true, mode: "normal", jobs: new Map(), uploads: new Map(), likes: new Set() };
const me = {
  id: "me",
  username: "ada",
  display_name: "Ada Byron",
  bio: "Paints trains.",
  is_staff: true,
  is_moderator: true,
  limits: { upload_bytes: 300_000_000, clip_seconds: 60 },
};

const accents = ["#8fb8ff", "#f2b366", "#e58f7b", "#9fce8a", "#d9a7e0"];
const styles = readFileSync(join(data, "presets/CREDITS.tsv"), "utf8")
  .split("\n")
  .slice(1)
  .filter(Boolean)
  .map((line, index) => {
    const [file, artist, title, year] = line.split("\t");
    const slug = file.replace(".jpg", "");
    const picture = `/media/styles/${slug}/image.jpg`;
    return {
      id: slug,
      slug,
      name: title,
      kind: "preset",
      artist,
      year,
      licence: "Public domain",
      credit: "",
      image_url: picture,
      thumbnail_url: picture,
      palette: ["#20304f", "#3e6a9e", "#dfd6bb", "#b8863c", "#0f1626"],
      accent: { on_dark: accents[index % accents.length], on_light: "#23508f" },
      mine: false,
    };
  });

const names = readdirSync(join(data, "clips")).filter((name) => name.endsWith(".mp4"));
const media = (name) => ({
  video_url: `/media/clips/${name}/video.mp4`,
  poster_url: `/media/clips/${name}/poster.jpg`,
});
const posters = process.env.FAKE_POSTERS ?? data;
const facts = (name) =>
  existsSync(join(posters, name)) ? JSON.parse(readFileSync(join(posters, name))) : {};
const clips = names.map((file, index) => {
  const name = file.replace(".mp4", "");
  const parent = names[(index + 1) % names.length].replace(".mp4", "");
  const style = styles[(index * 7) % styles.length];
  return {
    id: name,
    owner: { username: me.username, display_name: me.display_name },
    title: name.replace(/^.*?-/, "").replaceAll("-", " "),
    width: 640,
    height: 360,
    duration_seconds: 3.2,
    frame_rate: 24,
    frame_count: 77,
    has_audio: index % 2 === 0,
    bytes: 900_000,
    is_demo: index < 2,
    credit: index < 2 ? "DAVIS 2016, CC BY 4.0" : "",
    created_at: now(),
    ...media(name),
    captions_url: null,
    sprite: null,
    ...withSprite(name),
    parents: index % 2 ? [{ id: parent, title: parent, ...media(parent) }] : [],
    recipe:
      index % 2 === 0
        ? null
        : {
            kind: "restyle",
            styles: [{ slug: style.slug, name: style.name, weight: 1 }],
            strength: 1,
            keep_colors: false,
            height: 360,
            model: { name: "fake", version: "0", sha256: "0" },
          },
  };
});
function withSprite(name) {
  const known = facts(`${name}.json`);
  return known.sprite
    ? { ...known, sprite: { url: `/media/clips/${name}/sprite.jpg`, ...known.sprite } }
    : known;
}

const MOODS = ["calm", "happy", "dramatic", "playful"];
const songs = (existsSync(join(data, "music")) ? readdirSync(join(data, "music")) : [])
  .filter((name) => name.endsWith(".ogg"))
  .map((file, index) => {
    const name = file.replace(".ogg", "");
    const known = { peaks: [], duration_seconds: 15, ...facts(`${name}.sound.json`) };
    const bpm = 80 + index * 12;
    return {
      id: name,
      kind: "library",
      title: name.replace(/^[a-z]+-/, "").replaceAll("-", " "),
      author: name.split("-")[0],
      licence: "CC0",
      credit: "",
      moods: [MOODS[index % MOODS.length]],
      bpm,
      beats: Array.from(
        { length: Math.floor((known.duration_seconds * bpm) / 60) },
        (_, at) => (at * 60) / bpm,
      ),
      ...known,
      audio_url: `/media/sounds/${name}/audio.ogg`,
      mine: false,
    };
  });
const recordings = new Map();

const projects = new Map();
const editOf = (clip) => ({
  version: 1,
  canvas: { aspect: "9:16", short_side: 720, frame_rate: 30 },
  segments: clip ? [segmentOf(clip, "s1")] : [],
  texts: [],
  stickers: [],
  original_volume: 1,
  music: null,
  voices: [],
  markers: [],
  cover: 0,
});
const segmentOf = (clip, id) => ({
  id,
  clip: clip.id,
  start: 0,
  end: clip.duration_seconds,
  speed: 1,
  reverse: false,
  fit: "fit",
  view: { crop: { left: 0, top: 0, right: 0, bottom: 0 }, zoom: 1, rotation: 0, x: 0, y: 0 },
  filters: { brightness: 0, contrast: 0, saturation: 0, warmth: 0 },
  volume: 1,
  transition: { kind: "cut", seconds: 0 },
  unstyled: null,
});
function projectOf({ title, clip_id, edit }) {
  const clip = clips.find(({ id }) => id === clip_id);
  const id = crypto.randomUUID();
  const project = {
    id,
    title: title || clip?.title || "New edit",
    revision: 1,
    edit: edit ?? editOf(clip),
    created_at: now(),
  };
  projects.set(id, project);
  return fullProject(project);
}
function fullProject(project) {
  const { edit } = project;
  const named = new Set(edit.segments.map(({ clip }) => clip));
  const heard = new Set([edit.music?.track, ...edit.voices.map(({ sound }) => sound)]);
  const shown = clips.filter(({ id }) => named.has(id));
  return {
    ...project,
    updated_at: project.updated_at ?? project.created_at,
    duration_seconds: edit.segments.reduce((sum, { start, end, speed }) => sum + (end - start) / speed, 0),
    clips: shown,
    sounds: [...songs, ...recordings.values()].filter(({ id }) => heard.has(id)),
    poster_url: shown[0]?.poster_url ?? null,
  };
}
function saveProject(id, body, request) {
  const project = projects.get(id);
  if (!project) return found(null);
  if (!request.headers["if-match"]) return [428, { code: "precondition_required", title: "No revision" }];
  if (request.headers["if-match"] !== `"${project.revision}"`) {
    return [412, { code: "edited_elsewhere", title: "Edited elsewhere" }];
  }
  Object.assign(project, JSON.parse(body), { revision: project.revision + 1, updated_at: now() });
  return [200, fullProject(project)];
}

const people = ["Ada Byron", "Li Wei", "Mara", "Tomás Ruiz", "Jun"];
const posts = clips.map((clip, index) => ({
  id: `post-${clip.id}`,
  author: { username: people[index % 5].split(" ")[0].toLowerCase(), display_name: people[index % 5] },
  caption: ["The pond at dusk #water #hokusai", "", "First try with two styles, I like the sky most #sky"][
    index % 3
  ],
  hashtags: ["water"],
  clip,
  original: index % 4 === 3 ? null : media(names[(index + 1) % names.length].replace(".mp4", "")),
  styles: [styles[(index * 7) % styles.length], ...(index % 3 === 2 ? [styles[3]] : [])],
  credits: index % 2 && songs.length ? [`“${songs[0].title}” by ${songs[0].author} (CC0)`] : [],
  sound: index % 2 && songs.length ? songs[0] : null,
  like_count: (index * 37) % 1900,
  comment_count: index % 6,
  liked: false,
  mine: index % 5 === 0,
  created_at: new Date(Date.now() - index * 7_000_000).toISOString(),
}));
const comments = people.map((name, index) => ({
  id: `c${index}`,
  author: { username: name.toLowerCase(), display_name: name },
  text: ["The strokes follow the wings!", "Which style is it?", "好美", "More of these please", "Wow"][index],
  created_at: now(),
  mine: index === 0,
}));

const sockets = new Set();
const tell = (message) => sockets.forEach((socket) => socket.send(JSON.stringify(message)));

function startJob(kind, subject, result) {
  const job = {
    id: crypto.randomUUID(),
    kind,
    state: "queued",
    stage: "waiting",
    progress: 0,
    queue_position: 2,
    subject,
    result: {},
    has_preview: false,
    cancel_requested: false,
    attempts: 1,
    created_at: now(),
  };
  world.jobs.set(job.id, job);
  let step = 0;
  const timer = setInterval(() => {
    step += 1;
    if (job.state === "cancelled") return clearInterval(timer);
    if (step > 3) {
      const share = Math.min(1, (step - 3) / (kind === "ingest" ? 4 : 30));
      Object.assign(job, {
        state: "running",
        stage: kind === "ingest" ? "converting" : "painting",
        progress: share,
        frames_total: 77,
        frames_done: Math.floor(share * 77),
        frames_per_second: 4.2,
        eta_seconds: (1 - share) * 24,
        has_preview: kind === "restyle",
        queue_position: null,
      });
      if (share === 1) {
        Object.assign(job, { state: "succeeded", stage: "done", result });
        clearInterval(timer);
      }
    }
    tell({ type: "job", job });
  }, 700);
  return job;
}

const pageOf = (results, url) => {
  const at = Number(url.searchParams.get("cursor") ?? 0);
  const size = 12;
  const next = new URL(url);
  next.searchParams.set("cursor", at + size);
  const shown = world.mode === "empty" ? [] : results;
  return {
    results: shown.slice(at, at + size),
    next: at + size < shown.length ? String(next) : null,
    previous: null,
  };
};

const routes = [
  [/^GET \/_allauth\/browser\/v1\/auth\/session$/, () => [world.member ? 200 : 401, { data: {} }]],
  [/^DELETE \/_allauth\/browser\/v1\/auth\/session$/, () => ((world.member = false), [401, {}])],
  [
    /^POST \/_allauth\/browser\/v1\/auth\/(login|signup)$/,
    (_match, _url, body) => {
      if (JSON.parse(body).password === "wrong")
        return [400, { errors: [{ message: "Name or password are wrong." }] }];
      world.member = true;
      return [200, {}];
    },
  ],
  [
    /^(GET|PATCH) \/api\/v1\/me\/$/,
    (_m, _url, body) => [200, Object.assign(me, body.length ? JSON.parse(body) : {})],
  ],
  [
    /^GET \/api\/v1\/users\/([^/]+)\/$/,
    ([, name]) => [
      200,
      {
        ...me,
        id: name,
        username: name,
        display_name: people.find((p) => p.toLowerCase().startsWith(name)) ?? name,
        post_count: 4,
        joined_at: now(),
      },
    ],
  ],
  [
    /^GET \/api\/v1\/styles\/$/,
    (_m, url) => [
      200,
      url.searchParams.get("kind") === "mine" ? { results: [], next: null } : pageOf(styles, url),
    ],
  ],
  [
    /^POST \/api\/v1\/styles\/$/,
    () => [201, { ...styles[5], slug: crypto.randomUUID(), name: "My picture", mine: true, kind: "own" }],
  ],
  [/^GET \/api\/v1\/styles\/([^/]+)\/$/, ([, slug]) => found(styles.find((style) => style.slug === slug))],
  [
    /^GET \/api\/v1\/clips\/$/,
    (_m, url) => [
      200,
      pageOf(
        clips.filter((clip) => clip.is_demo || !url.searchParams.has("demo")),
        url,
      ),
    ],
  ],
  [/^GET \/api\/v1\/clips\/([^/]+)\/$/, ([, id]) => found(clips.find((clip) => clip.id === id))],
  [
    /^POST \/api\/v1\/clips\/([^/]+)\/restyle\/$/,
    ([, id]) => [202, startJob("restyle", { clip_id: id }, { clip_id: clips[1].id })],
  ],
  [
    /^GET \/api\/v1\/jobs\/$/,
    () => [200, [...world.jobs.values()].filter((job) => /queued|running/.test(job.state))],
  ],
  [/^GET \/api\/v1\/jobs\/([^/]+)\/$/, ([, id]) => found(world.jobs.get(id))],
  [
    /^POST \/api\/v1\/jobs\/([^/]+)\/cancel\/$/,
    ([, id]) => [200, Object.assign(world.jobs.get(id), { state: "cancelled" })],
  ],
  [/^GET \/api\/v1\/posts\/$/, (_m, url) => [200, pageOf(posts, url)]],
  [/^POST \/api\/v1\/posts\/$/, () => [201, posts[0]]],
  [/^GET \/api\/v1\/posts\/([^/]+)\/$/, ([, id]) => found(posts.find((post) => post.id === id))],
  [
    /^(PUT|DELETE) \/api\/v1\/posts\/[^/]+\/like\/$/,
    ([, method]) => [200, { liked: method === "PUT", like_count: 12 }],
  ],
  [/^GET \/api\/v1\/posts\/[^/]+\/comments\/$/, (_m, url) => [200, pageOf(comments, url)]],
  [
    /^POST \/api\/v1\/posts\/[^/]+\/comments\/$/,
    (_m, _url, body) => [201, { ...comments[0], ...JSON.parse(body), id: crypto.randomUUID() }],
  ],
  [
    /^GET \/api\/v1\/projects\/$/,
    (_m, url) => [200, pageOf([...projects.values()].map(fullProject).toReversed(), url)],
  ],
  [/^POST \/api\/v1\/projects\/$/, (_m, _url, body) => [201, projectOf(JSON.parse(body))]],
  [
    /^GET \/api\/v1\/projects\/([^/]+)\/$/,
    ([, id]) => found(projects.has(id) ? fullProject(projects.get(id)) : null),
  ],
  [/^PUT \/api\/v1\/projects\/([^/]+)\/$/, ([, id], _url, body, request) => saveProject(id, body, request)],
  [/^DELETE \/api\/v1\/projects\/([^/]+)\/$/, ([, id]) => (projects.delete(id), [200, {}])],
  [
    /^POST \/api\/v1\/projects\/([^/]+)\/duplicate\/$/,
    ([, id]) => [201, projectOf({ ...projects.get(id), title: `${projects.get(id).title} 2` })],
  ],
  [
    /^POST \/api\/v1\/projects\/([^/]+)\/render\/$/,
    ([, id]) => [202, startJob("render", { project_id: id }, { clip_id: clips[0].id })],
  ],
  [
    /^GET \/api\/v1\/sounds\/$/,
    (_m, url) => {
      const wanted = url.searchParams;
      const all = wanted.get("kind") === "mine" ? [...recordings.values()] : songs;
      const fits = (sound) =>
        (!wanted.get("mood") || sound.moods.includes(wanted.get("mood"))) &&
        (!wanted.get("q") || sound.title.toLowerCase().includes(wanted.get("q").toLowerCase())) &&
        sound.bpm >= Number(wanted.get("bpm_min") ?? 0) &&
        sound.bpm <= Number(wanted.get("bpm_max") ?? 999);
      return [200, pageOf(all.filter(fits), url)];
    },
  ],
  [
    /^POST \/api\/v1\/sounds\/$/,
    (_m, _url, body) => {
      const id = crypto.randomUUID();
      const kind = body.includes("\r\nvoice\r\n") ? "voice" : "music";
      recordings.set(id, { ...songs[0], id, kind, title: "My sound", mine: true, bpm: 0 });
      return [201, recordings.get(id)];
    },
  ],
  [/^DELETE \/api\/v1\/sounds\/([^/]+)\/$/, ([, id]) => (recordings.delete(id), [200, {}])],
  [/^POST \/api\/v1\/reports\/$/, () => [201, { id: "report" }]],
];
const found = (thing) => (thing ? [200, thing] : [404, { code: "not_found", title: "Not found" }]);

const types = {
  ".mp4": "video/mp4",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".ogg": "audio/ogg",
};
function sendFile(request, response, path) {
  let size;
  try {
    size = statSync(path).size;
  } catch {
    return response.writeHead(404).end();
  }
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
  const start = range ? Number(range[1]) : 0;
  const end = range && range[2] ? Number(range[2]) : size - 1;
  response.writeHead(range ? 206 : 200, {
    "Content-Type": types[extname(path)] ?? "application/octet-stream",
    "Content-Length": end - start + 1,
    "Accept-Ranges": "bytes",
    ...(range && { "Content-Range": `bytes ${start}-${end}/${size}` }),
    "Content-Security-Policy":
      "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'",
  });
  createReadStream(path, { start, end }).pipe(response);
}

const collect = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
};

/** Counts bytes as they come, slowly, so that a cut connection keeps what had arrived. */
async function receive(request, upload) {
  for await (const part of request) {
    upload.offset += part.length;
    upload.received += part.length;
    await new Promise((done) => setTimeout(done, part.length / Number(world.rate ?? 20_000)));
  }
}

async function tus(request, response, url) {
  const headers = { "Tus-Resumable": "1.0.0" };
  if (request.method === "POST") {
    const id = crypto.randomUUID();
    const length = Number(request.headers["upload-length"]);
    world.uploads.set(id, { length, offset: 0, received: 0 });
    return response.writeHead(201, { ...headers, Location: `/api/v1/uploads/${id}` }).end();
  }
  const upload = world.uploads.get(url.pathname.split("/")[4]);
  if (!upload) return response.writeHead(404, headers).end();
  if (request.method === "PATCH") {
    if (Number(request.headers["upload-offset"]) !== upload.offset)
      return response.writeHead(409, headers).end();
    await receive(request, upload).catch(() => undefined);
    console.log("patch", request.headers["upload-offset"], "->", upload.offset, "of", upload.length);
  }
  headers["Upload-Offset"] = upload.offset;
  headers["Upload-Length"] = upload.length;
  if (request.method === "PATCH" && upload.offset === upload.length) {
    console.log("complete, bytes received in all:", upload.received);
    headers["Impasto-Job"] = startJob("ingest", {}, { clip_id: clips[0].id }).id;
  }
  response.writeHead(request.method === "HEAD" ? 200 : 204, headers).end();
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, `http://${request.headers.host}`);
  const { pathname } = url;
  if (pathname.startsWith("/api/v1/uploads/")) return tus(request, response, url);
  const body = await collect(request);
  if (pathname === "/__fake") {
    for (const [name, value] of url.searchParams) world[name] = name === "member" ? value === "1" : value;
    return response.end("ok");
  }
  const picture = /^\/media\/styles\/([^/]+)\//.exec(pathname);
  if (picture) return sendFile(request, response, join(data, "presets", `${picture[1]}.jpg`));
  const video = /^\/media\/clips\/([^/]+)\/(.*)$/.exec(pathname);
  if (video) {
    const still = join(posters, `${video[1]}${video[2] === "sprite.jpg" ? ".sprite" : ""}.jpg`);
    return sendFile(
      request,
      response,
      video[2] === "video.mp4" ? join(data, "clips", `${video[1]}.mp4`) : still,
    );
  }
  const sound = /^\/media\/sounds\/([^/]+)\//.exec(pathname);
  if (sound) {
    const file = recordings.has(sound[1]) ? songs[0].id : sound[1];
    return sendFile(request, response, join(data, "music", `${file}.ogg`));
  }
  if (pathname.startsWith("/static/editor/")) {
    return sendFile(request, response, join(editorFolder, "static", pathname.slice("/static/".length)));
  }
  const frame = /^\/api\/v1\/clips\/([^/]+)\/frame.jpg$/.exec(pathname);
  if (frame) return sendFile(request, response, join(posters, `${frame[1]}.jpg`));
  if (/\/preview.jpg$/.test(pathname))
    return sendFile(request, response, join(data, "presets", `${styles[4].slug}.jpg`));
  if (pathname.endsWith("/preview/")) {
    const wanted = JSON.parse(body).styles[0].style;
    return setTimeout(() => sendFile(request, response, join(data, "presets", `${wanted}.jpg`)), 600);
  }
  if (/^\/(api|_allauth)\//.test(pathname)) {
    if (world.mode === "slow") await new Promise((done) => setTimeout(done, 5000));
    const call = `${request.method} ${pathname}`;
    const broken = world.mode === "error" && !/auth|me\//.test(pathname);
    const route = routes.find(([pattern]) => pattern.test(call));
    const [status, answer] =
      broken || !route
        ? [broken ? 500 : 404, { code: "fake", title: "" }]
        : route[1](route[0].exec(call), url, body, request);
    response.writeHead(status, {
      "Content-Type": "application/json",
      "Set-Cookie": "csrftoken=fake; Path=/",
    });
    return response.end(JSON.stringify(answer));
  }
  if (pathname.startsWith("/static/client/")) {
    return sendFile(request, response, join(dist, pathname.slice("/static/client/".length)));
  }
  sendFile(request, response, join(dist, "index.html"));
});
new WebSocketServer({ server, path: "/ws/jobs/" }).on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("message", () => socket.send('{"type":"pong"}'));
  socket.send(JSON.stringify({ type: "snapshot", jobs: [...world.jobs.values()] }));
});
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));

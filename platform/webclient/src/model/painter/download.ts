import { offline } from "../problem";

export type Fetch = (url: string, signal: AbortSignal) => Promise<Response>;

// Milliseconds without a byte after which a connection counts as cut. However slow, one that lives brings some.
const PATIENCE = 20_000;

// What a proxy answers whose server is away, or is being deployed.
const AWAY = new Set([502, 503, 504]);

/**
 * The whole answer, or none: what is cut half-way is no better than what was never sent.
 *
 * @throws Problem `offline` where it does not come, stops coming, or the server is away
 */
export async function download(fetch: Fetch, url: string): Promise<Response> {
  const patience = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => patience.abort(), PATIENCE);
  };
  try {
    wait();
    const answer = await fetch(url, patience.signal);
    if (AWAY.has(answer.status)) throw offline();
    return answer.ok ? new Response(await bodyOf(answer, wait)) : answer;
  } catch {
    throw offline();
  } finally {
    clearTimeout(timer);
  }
}

/** @param onPiece called for each piece that comes */
async function bodyOf({ body }: Response, onPiece: () => void): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
    pieces.push(piece.value);
    onPiece();
  }
  return new Blob(pieces);
}

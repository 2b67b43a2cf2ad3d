/** What went wrong, in one shape for every caller: the server's problem+json, or a connection that failed. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly fields: Record<string, string[]>;

  constructor(init: {
    status: number;
    code: string;
    title?: string;
    detail?: string;
    fields?: Record<string, string[]>;
  }) {
    super(init.detail || init.title || init.code);
    this.name = "Problem";
    this.status = init.status;
    this.code = init.code;
    this.title = init.title ?? "";
    this.detail = init.detail ?? "";
    this.fields = init.fields ?? {};
  }

  /** The request never reached a server, or its answer never reached us. */
  get offline(): boolean {
    return this.status === 0;
  }

  /** Trying the same again later may well work. */
  get passing(): boolean {
    return this.offline || [429, 502, 503, 504].includes(this.status);
  }
}

export const offline = () => new Problem({ status: 0, code: "offline" });

/** Turn anything thrown into a Problem; a mistake of our own stays visible in the console. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  console.error(thrown);
  return new Problem({ status: -1, code: "client_error" });
}

/** Read problem+json, DRF's and allauth's error bodies; anything else becomes a plain status. */
export function problemFrom(status: number, body: unknown): Problem {
  const record = isRecord(body) ? body : {};
  const fields = fieldsOf(record);
  const first = Object.values(fields)[0]?.[0];
  return new Problem({
    status,
    code: text(record.code) ?? `http_${status}`,
    title: text(record.title),
    detail: text(record.detail) ?? first,
    fields,
  });
}

/** problem+json has `errors: {field: [text]}`; allauth has `errors: [{param?, message}]`. */
function fieldsOf(record: Record<string, unknown>): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  const { errors } = record;
  if (Array.isArray(errors)) {
    for (const error of errors.filter(isRecord)) {
      const name = text(error.param) ?? "";
      fields[name] = [...(fields[name] ?? []), text(error.message) ?? ""];
    }
  } else if (isRecord(errors)) {
    for (const [name, texts] of Object.entries(errors)) {
      fields[name] = (Array.isArray(texts) ? texts : [texts]).map(String);
    }
  }
  return fields;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

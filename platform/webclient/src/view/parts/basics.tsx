import { cloneElement, type ComponentChildren, type JSX, type VNode } from "preact";
import { useId } from "preact/hooks";
import { CircleAlert, LoaderCircle, RotateCw, WifiOff } from "lucide";

import type { TextKey } from "../../i18n/en";
import type { Problem } from "../../model/problem";
import { useApp, useT } from "../context";
import { Icon, type IconNode } from "./icon";

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "icon" | "size">;

/** An icon with its name as tooltip and for readers. */
export function IconButton({
  icon,
  label,
  filled = false,
  class: extra = "",
  ...rest
}: ButtonProps & { icon: IconNode; label: string; filled?: boolean; class?: string }) {
  return (
    <button type="button" class={`icon-button ${extra}`} aria-label={label} data-tip={label} {...rest}>
      <Icon of={icon} filled={filled} />
    </button>
  );
}

export function Button({
  kind = "quiet",
  icon,
  busy = false,
  wide = false,
  children,
  ...rest
}: ButtonProps & {
  kind?: "main" | "quiet" | "danger" | "bare";
  icon?: IconNode;
  busy?: boolean;
  wide?: boolean;
  children: ComponentChildren;
}) {
  return (
    <button type="button" class={`button ${kind}${wide ? " wide" : ""}`} aria-busy={busy} {...rest}>
      {busy ? <Spinner /> : icon && <Icon of={icon} size={20} />}
      <span>{children}</span>
    </button>
  );
}

export function ButtonLink({
  href,
  kind = "quiet",
  icon,
  wide = false,
  download,
  onClick,
  children,
}: {
  href: string;
  kind?: "main" | "quiet" | "bare";
  icon?: IconNode;
  wide?: boolean;
  download?: string;
  onClick?: () => void;
  children: ComponentChildren;
}) {
  return (
    <a class={`button ${kind}${wide ? " wide" : ""}`} href={href} download={download} onClick={onClick}>
      {icon && <Icon of={icon} size={20} />}
      <span>{children}</span>
    </a>
  );
}

export function Spinner() {
  return (
    <span class="spinner" aria-hidden="true">
      <Icon of={LoaderCircle} size={20} />
    </span>
  );
}

/** A circle with somebody's initial; its warm colour comes from their name. */
export function Avatar({ name, size = "medium" }: { name: string; size?: "small" | "medium" | "large" }) {
  const tone = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 6, 7);
  return (
    <span class={`avatar ${size} tone-${tone}`} aria-hidden="true">
      {[...name][0]?.toUpperCase() ?? "?"}
    </span>
  );
}

const KNOWN_PROBLEMS = new Set([
  "offline",
  "client_error",
  "not_a_video",
  "empty_file",
  "file_too_large",
  "upload_lost",
  "not_a_sound",
  "no_microphone",
  "no_recorder",
  "not_saved",
  "camera_denied",
  "no_camera",
  "no_camera_here",
  "camera_busy",
  "camera_lost",
  "no_model",
  "bad_model",
  "bad_signature",
  "client_too_old",
  "painter_lost",
  "painter_failed",
  "no_encoder",
  "encoder_failed",
  "raw_failed",
  "disk_full",
  "not_a_film",
  "cannot_decode",
  "too_long_here",
  "no_style",
]);

/** What happened, in words a person can act on: ours where we know the code, else the server's. */
export function problemText(
  t: (key: TextKey) => string,
  problem: Problem,
): { title: string; detail: string } {
  if (KNOWN_PROBLEMS.has(problem.code)) {
    return {
      title: t(`problem_${problem.code}` as TextKey),
      detail: t(`problem_${problem.code}_detail` as TextKey),
    };
  }
  if (problem.status === 404) return { title: t("problem_404"), detail: t("problem_404_detail") };
  if (problem.status === 429) return { title: t("problem_429"), detail: t("problem_429_detail") };
  if (problem.status >= 500 || !(problem.title || problem.detail)) {
    return { title: t("problem_500"), detail: problem.detail || t("problem_500_detail") };
  }
  return { title: problem.title || t("problem_refused"), detail: problem.detail };
}

/** A failed screen: what happened, what to do, and a way to do it. */
export function Failure({ problem, onRetry }: { problem: Problem | null; onRetry?: () => void }) {
  const t = useT();
  if (!problem) return null;
  const { title, detail } = problemText(t, problem);
  return (
    <div class="state" role="alert">
      <span class="state-mark">
        <Icon of={problem.offline ? WifiOff : CircleAlert} size={32} />
      </span>
      <h1>{title}</h1>
      <p>{detail}</p>
      {onRetry && problem.status !== 404 && (
        <Button icon={RotateCw} onClick={onRetry}>
          {t("try_again")}
        </Button>
      )}
      {problem.status === 404 && <ButtonLink href="/">{t("to_the_feed")}</ButtonLink>}
    </div>
  );
}

/** The same in one line, beside the thing that failed. */
export function InlineProblem({ problem, onRetry }: { problem: Problem | null; onRetry?: () => void }) {
  const t = useT();
  if (!problem) return null;
  const { title, detail } = problemText(t, problem);
  return (
    <p class="inline-problem" role="alert">
      <Icon of={problem.offline ? WifiOff : CircleAlert} size={20} />
      <span>
        <strong>{title}</strong> {detail !== title && detail}
      </span>
      {onRetry && (
        <Button kind="bare" onClick={onRetry}>
          {t("try_again")}
        </Button>
      )}
    </p>
  );
}

export function Empty({
  icon,
  title,
  children,
  action,
  whole = false,
}: {
  icon: IconNode;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
  /** It is all there is on the page. */
  whole?: boolean;
}) {
  const Heading = whole ? "h1" : "h2";
  return (
    <div class="state">
      <span class="state-mark">
        <Icon of={icon} size={32} />
      </span>
      <Heading>{title}</Heading>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** What will be here, in grey. */
export function Skeleton({ kind, count = 1 }: { kind: "tile" | "line" | "frame" | "row"; count?: number }) {
  const t = useT();
  return (
    <>
      {Array.from({ length: count }, (_, index) => (
        <span key={index} class={`skeleton ${kind}`} aria-hidden="true" />
      ))}
      <span class="unseen" role="status">
        {t("loading")}
      </span>
    </>
  );
}

export function Segmented<V extends string | number>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: V;
  options: readonly { value: V; text: string; icon?: IconNode }[];
  onChoose: (value: V) => void;
}) {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChoose(option.value)}
        >
          {option.icon && <Icon of={option.icon} size={18} />}
          {option.text}
        </button>
      ))}
    </div>
  );
}

export function Slider({
  label,
  shown,
  value,
  min,
  max,
  step,
  onChange,
}: {
  label: ComponentChildren;
  shown: string;
  value: number;
  min: number;
  max: number;
  step: number;
  onChange: (value: number) => void;
}) {
  const id = useId();
  const fill = ((value - min) / (max - min || 1)) * 100;
  return (
    <div class="slider">
      <label class="slider-label" for={id}>
        {label}
      </label>
      {/* Readers hear the same from the slider's value text. */}
      <span class="slider-value" aria-hidden="true">
        {shown}
      </span>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={shown}
        style={{ "--fill": `${fill}%` }}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

export function Switch({
  label,
  hint,
  on,
  onChange,
}: {
  label: string;
  hint?: string;
  on: boolean;
  onChange: (on: boolean) => void;
}) {
  const id = useId();
  return (
    <label class="switch">
      <span>
        <span id={id}>{label}</span>
        {hint && <small id={`${id}-more`}>{hint}</small>}
      </span>
      <input
        type="checkbox"
        role="switch"
        aria-labelledby={id}
        aria-describedby={hint && `${id}-more`}
        aria-checked={on}
        checked={on}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </label>
  );
}

/** A labelled input; its hint and its errors describe it without becoming part of its name. */
export function Field({
  label,
  hint,
  errors,
  children,
}: {
  label: string;
  hint?: string | undefined;
  errors?: string[] | undefined;
  children: VNode<Record<string, unknown>>;
}) {
  const id = useId();
  const wrong = errors !== undefined && errors.length > 0;
  const described = wrong || hint ? `${id}-more` : undefined;
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      {cloneElement(children, { id, "aria-describedby": described, "aria-invalid": wrong || undefined })}
      {wrong && (
        <span class="field-error" id={described} role="alert">
          {errors.join(" ")}
        </span>
      )}
      {hint && !wrong && (
        <span class="field-hint" id={described}>
          {hint}
        </span>
      )}
    </div>
  );
}

/** "3 min. ago", with the exact time for who hovers or listens. */
export function Ago({ at }: { at: string }) {
  const { i18n } = useApp();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString(i18n.locale.value)}>
      {i18n.ago(at, Date.now())}
    </time>
  );
}

export function Loading() {
  const t = useT();
  return (
    <div class="state" role="status">
      <Spinner />
      <span class="unseen">{t("loading")}</span>
    </div>
  );
}

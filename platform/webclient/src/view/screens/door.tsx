import { useEffect } from "preact/hooks";
import { useModel } from "@preact/signals";
import { Check } from "lucide";

import type { TextKey } from "../../i18n/en";
import type { Problem } from "../../model/problem";
import { safeNext } from "../../viewmodel/router";
import type { DoorKind } from "../../viewmodel/session";
import { useApp, useT, useTitle } from "../context";
import { Button, Empty, Field, ButtonLink, problemText } from "../parts/basics";

/** Log in, sign up, or find the way back in. `asked`: on a page that needs a member. */
export function DoorScreen({ page, asked = false }: { page: "login" | "signup"; asked?: boolean }) {
  const app = useApp();
  const query = app.router.query.value;
  const inside = app.session.isMember.value;
  const kind: DoorKind = query.has("reset") ? "reset" : query.has("forgotten") ? "forgotten" : page;
  useEffect(() => {
    if (inside && !asked && kind !== "reset") app.router.replace(safeNext(query.get("next")));
  }, [inside, kind]);
  return (
    <div class="door-screen">
      <div class="door-art" aria-hidden="true" />
      <Form key={kind} kind={kind} asked={asked} />
    </div>
  );
}

function Form({ kind, asked }: { kind: DoorKind; asked: boolean }) {
  const app = useApp();
  const t = useT();
  const door = useModel(() => (asked ? app.screens.doorHere() : app.screens.door(kind)));
  const word = (part: string) => t(`door_${kind}_${part}` as TextKey);
  useTitle(word("title"));
  const fields = door.problem.value?.fields ?? {};
  if (door.phase.value === "done") {
    return (
      <div class="door-form">
        <Empty
          whole
          icon={Check}
          title={word("done")}
          action={<ButtonLink href="/login">{t("log_in")}</ButtonLink>}
        >
          {word("done_text")}
        </Empty>
      </div>
    );
  }
  return (
    <form
      class="door-form"
      onSubmit={(event) => {
        event.preventDefault();
        void door.send();
      }}
    >
      <span class="brand-mark big" aria-hidden="true" />
      <h1>{word("title")}</h1>
      <p class="faint">{asked ? t("door_asked") : word("text")}</p>
      <DoorProblem problem={door.problem.value} />
      {(kind === "login" || kind === "signup") && (
        <Field label={t(kind === "login" ? "username_or_email" : "username")} errors={fields.username}>
          <input
            name="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            value={door.username.value}
            onInput={(event) => door.write("username", event.currentTarget.value)}
          />
        </Field>
      )}
      {(kind === "signup" || kind === "forgotten") && (
        <Field
          label={t("email")}
          hint={kind === "signup" ? t("email_hint") : undefined}
          errors={fields.email}
        >
          <input
            name="email"
            type="email"
            autocomplete="email"
            required
            value={door.email.value}
            onInput={(event) => door.write("email", event.currentTarget.value)}
          />
        </Field>
      )}
      {kind !== "forgotten" && (
        <Field
          label={t("password")}
          hint={kind === "login" ? undefined : t("password_hint")}
          errors={fields.password}
        >
          <input
            name="password"
            type="password"
            autocomplete={kind === "login" ? "current-password" : "new-password"}
            required
            value={door.password.value}
            onInput={(event) => door.write("password", event.currentTarget.value)}
          />
        </Field>
      )}
      <Button
        kind="main"
        type="submit"
        wide
        busy={door.phase.value === "sending"}
        disabled={!door.canSend.value}
      >
        {word("go")}
      </Button>
      <OtherDoors kind={kind} asked={asked} />
    </form>
  );
}

/** What belongs to no field in particular. */
function DoorProblem({ problem }: { problem: Problem | null }) {
  const t = useT();
  if (!problem || ["username", "email", "password"].some((name) => problem.fields[name])) return null;
  const ours = problem.status === 400 || problem.status === 401;
  const text = ours ? problem.detail || t("problem_login") : problemText(t, problem).title;
  return (
    <p class="inline-problem" role="alert">
      <span>{text}</span>
    </p>
  );
}

function OtherDoors({ kind, asked }: { kind: DoorKind; asked: boolean }) {
  const app = useApp();
  const t = useT();
  const next = asked ? app.router.url.value : app.router.query.value.get("next");
  const tail = next ? `?next=${encodeURIComponent(next)}` : "";
  if (kind === "login") {
    return (
      <div class="door-other">
        <a href="/login?forgotten=1">{t("forgotten")}</a>
        <p>
          {t("no_account")} <a href={`/signup${tail}`}>{t("sign_up")}</a>
        </p>
      </div>
    );
  }
  return (
    <p class="door-other">
      {kind === "signup" && t("have_account")} <a href={`/login${tail}`}>{t("log_in")}</a>
    </p>
  );
}

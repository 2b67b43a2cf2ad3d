import { useModel } from "@preact/signals";

import { useApp, useT, useTitle } from "../context";
import { Button, Field, problemText } from "../parts/basics";

/** Log in, or sign up. */
export function DoorScreen({ kind, asked = false }: { kind: "login" | "signup"; asked?: boolean }) {
  const app = useApp();
  const t = useT();
  const door = useModel(() => (asked ? app.screens.doorHere(kind) : app.screens.door(kind)));
  useTitle(t(kind === "login" ? "log_in" : "sign_up"));
  const signingUp = kind === "signup";
  const problem = door.problem.value;
  const next = asked ? app.router.url.value : app.router.query.value.get("next");
  const other = `${signingUp ? "/login" : "/signup"}${next ? `?next=${encodeURIComponent(next)}` : ""}`;
  const fieldErrors = Object.keys(problem?.fields ?? {}).some((name) => name !== "" && name !== "__all__");
  return (
    <div class="door-screen">
      <div class="door-art" aria-hidden="true" />
      <form
        class="door-form"
        onSubmit={(event) => {
          event.preventDefault();
          void door.send();
        }}
      >
        <span class="brand-mark big" aria-hidden="true" />
        <h1>{t(signingUp ? "sign_up_title" : "log_in_title")}</h1>
        <p class="faint">{t(asked ? "door_asked" : signingUp ? "sign_up_text" : "log_in_text")}</p>
        {problem && !fieldErrors && (
          <p class="inline-problem" role="alert">
            <span>
              {problem.status === 400 || problem.status === 401
                ? problem.detail || t("problem_login")
                : problemText(t, problem).title}
            </span>
          </p>
        )}
        <Field label={t("username")} errors={problem?.fields.username}>
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
        {signingUp && (
          <Field label={t("email")} hint={t("email_hint")} errors={problem?.fields.email}>
            <input
              name="email"
              type="email"
              autocomplete="email"
              value={door.email.value}
              onInput={(event) => door.write("email", event.currentTarget.value)}
            />
          </Field>
        )}
        <Field
          label={t("password")}
          hint={signingUp ? t("password_hint") : undefined}
          errors={problem?.fields.password}
        >
          <input
            name="password"
            type="password"
            autocomplete={signingUp ? "new-password" : "current-password"}
            required
            value={door.password.value}
            onInput={(event) => door.write("password", event.currentTarget.value)}
          />
        </Field>
        <Button
          kind="main"
          type="submit"
          wide
          busy={door.phase.value === "sending"}
          disabled={!door.canSend.value}
        >
          {t(signingUp ? "sign_up" : "log_in")}
        </Button>
        <p class="door-other">
          {t(signingUp ? "have_account" : "no_account")}{" "}
          <a href={other}>{t(signingUp ? "log_in" : "sign_up")}</a>
        </p>
      </form>
    </div>
  );
}

import { useModel } from "@preact/signals";
import { LogIn, LogOut, Monitor, Moon, Sun } from "lucide";

import { useApp, useOnce, useTitle } from "../context";
import { Button, ButtonLink, Field, InlineProblem, Segmented } from "../parts/basics";

export function SettingsScreen() {
  const app = useApp();
  const { t, locale } = app.i18n;
  useTitle(t("settings"));
  const me = app.session.me.value;
  const confirming = app.router.query.value.get("confirm");
  return (
    <div class="page narrow">
      <header class="page-head">
        <h1>{t("settings")}</h1>
      </header>
      {confirming && <Confirming confirming={confirming} />}
      {me && <AboutYou />}
      <section class="settings-group">
        <h2>{t("appearance")}</h2>
        <div class="tool">
          <span>{t("theme")}</span>
          <Segmented
            label={t("theme")}
            value={app.look.theme.value}
            options={[
              { value: "dark", text: t("theme_dark"), icon: Moon },
              { value: "light", text: t("theme_light"), icon: Sun },
              { value: "system", text: t("theme_system"), icon: Monitor },
            ]}
            onChoose={app.look.choose}
          />
        </div>
        <div class="tool">
          <span>{t("language")}</span>
          <Segmented
            label={t("language")}
            value={locale.value}
            options={[
              { value: "en", text: "English" },
              { value: "zh", text: "中文" },
            ]}
            onChoose={app.i18n.choose}
          />
        </div>
      </section>
      <section class="settings-group row">
        {me ? (
          <Button icon={LogOut} onClick={() => void app.logOut()}>
            {t("log_out")}
          </Button>
        ) : (
          <ButtonLink icon={LogIn} href="/login?next=/settings">
            {t("log_in")}
          </ButtonLink>
        )}
        {me?.is_staff && (
          <ButtonLink kind="bare" href="/admin/">
            {t("administration")}
          </ButtonLink>
        )}
      </section>
    </div>
  );
}

function AboutYou() {
  const app = useApp();
  const { t } = app.i18n;
  const form = useModel(() => app.screens.settings());
  const me = app.session.me.value;
  return (
    <form
      class="settings-group"
      onSubmit={(event) => {
        event.preventDefault();
        void form.save();
      }}
    >
      <h2>{t("about_you")}</h2>
      <Field label={t("username")}>
        <input value={me?.username ?? ""} readOnly />
      </Field>
      <Field label={t("display_name")} errors={form.problem.value?.fields.display_name}>
        <input
          maxLength={60}
          autocomplete="name"
          value={form.displayName.value}
          onInput={(event) => form.write("displayName", event.currentTarget.value)}
        />
      </Field>
      <Field label={t("bio")} errors={form.problem.value?.fields.bio}>
        <textarea
          rows={3}
          maxLength={300}
          value={form.bio.value}
          onInput={(event) => form.write("bio", event.currentTarget.value)}
        />
      </Field>
      <InlineProblem problem={form.problem.value} />
      <div class="row">
        <Button
          kind="main"
          type="submit"
          busy={form.phase.value === "sending"}
          disabled={!form.canSave.value}
        >
          {t("save")}
        </Button>
        <span role="status" class="faint">
          {form.phase.value === "saved" && t("saved")}
        </span>
      </div>
    </form>
  );
}

function Confirming({ confirming }: { confirming: string }) {
  const app = useApp();
  const confirmation = useModel(() => app.screens.confirmation(confirming));
  useOnce(confirmation.confirm);
  return (
    <p class="notice" role="status">
      {app.i18n.t(`confirm_${confirmation.phase.value}`)}
    </p>
  );
}

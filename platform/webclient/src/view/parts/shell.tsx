import { CircleUserRound, Clapperboard, House, LogIn, Plus, Search, Settings, WifiOff, X } from "lucide";

import type { TextKey } from "../../i18n/en";
import type { Toast } from "../../viewmodel/toasts";
import { useApp, useT } from "../context";
import { Avatar, IconButton, problemText } from "./basics";
import { Icon, type IconNode } from "./icon";

/** A bar below the thumb on the phone, a rail at the side on the desktop: the same links. */
export function Navigation() {
  const { session, i18n } = useApp();
  const { t } = i18n;
  const me = session.me.value;
  return (
    <nav class="navigation" aria-label={t("main_navigation")}>
      <a class="brand" href="/" aria-label="Impasto">
        <span class="brand-mark" aria-hidden="true" />
        <span class="brand-name">Impasto</span>
      </a>
      <NavLink href="/" icon={House} label={t("feed")} />
      <NavLink href="/search" icon={Search} label={t("search")} />
      <NavLink href="/create" icon={Plus} label={t("create")} special />
      <NavLink href="/clips" icon={Clapperboard} label={t("my_clips")} />
      {me ? (
        <NavLink
          href={`/u/${encodeURIComponent(me.username)}`}
          icon={CircleUserRound}
          label={t("profile")}
          who={me.display_name || me.username}
        />
      ) : (
        <NavLink href="/login" icon={LogIn} label={t("log_in")} />
      )}
      <span class="nav-space" />
      <NavLink href="/settings" icon={Settings} label={t("settings")} wideOnly />
    </nav>
  );
}

function NavLink({
  href,
  icon,
  label,
  who,
  special = false,
  wideOnly = false,
}: {
  href: string;
  icon: IconNode;
  label: string;
  who?: string;
  special?: boolean;
  wideOnly?: boolean;
}) {
  const { path } = useApp().router;
  const here =
    href === "/"
      ? path.value === "/"
      : path.value.startsWith(href) || (href === "/clips" && path.value.startsWith("/edit"));
  return (
    <a
      class={`nav-link${special ? " special" : ""}${wideOnly ? " wide-only" : ""}`}
      href={href}
      aria-current={here ? "page" : undefined}
    >
      <span class="nav-icon">{who ? <Avatar name={who} size="small" /> : <Icon of={icon} size={24} />}</span>
      <span class="nav-label">{label}</span>
    </a>
  );
}

export function OfflineBar() {
  const { online, i18n } = useApp();
  return (
    <div class="offline-bar" role="status">
      {!online.value && (
        <p>
          <Icon of={WifiOff} size={18} /> {i18n.t("offline_bar")}
        </p>
      )}
    </div>
  );
}

export function Toaster() {
  const { toasts } = useApp();
  return (
    <div class="toaster" role="status" aria-live="polite">
      {toasts.shown.value.map((toast) => (
        <ToastLine key={toast.id} toast={toast} onDrop={() => toasts.drop(toast.id)} />
      ))}
    </div>
  );
}

function ToastLine({ toast, onDrop }: { toast: Toast; onDrop: () => void }) {
  const t = useT();
  const text = toast.problem ? problemText(t, toast.problem).title : t(`toast_${toast.kind}` as TextKey);
  return (
    <p class="toast">
      <span>{text}</span>
      {toast.href && (
        <a href={toast.href} onClick={onDrop}>
          {t("look_at_it")}
        </a>
      )}
      <IconButton icon={X} label={t("close")} onClick={onDrop} />
    </p>
  );
}

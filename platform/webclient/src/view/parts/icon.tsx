import { h } from "preact";

export type IconNode = [tag: string, attributes: Record<string, string | number | undefined>][];

/** A Lucide picture. It is always beside a label or inside something that has one, so it is hidden from readers. */
export function Icon({ of, size = 22, filled = false }: { of: IconNode; size?: number; filled?: boolean }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {of.map(([tag, attributes]) => h(tag, attributes))}
    </svg>
  );
}

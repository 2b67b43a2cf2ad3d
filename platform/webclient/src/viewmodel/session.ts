import { batch, computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import type { Auth } from "../model/auth";
import { asProblem, Problem } from "../model/problem";
import type { Me } from "../model/types";

export type SessionPhase = "unknown" | "guest" | "member" | "failed";

/** Who is here. */
export const Session = createModel((auth: Auth, api: Pick<Api, "me">) => {
  const phase = signal<SessionPhase>("unknown");
  const me = signal<Me | null>(null);
  const problem = signal<Problem | null>(null);

  function settle(person: Me | null) {
    batch(() => {
      me.value = person;
      problem.value = null;
      phase.value = person ? "member" : "guest";
    });
  }

  return {
    phase,
    me,
    problem,
    isMember: computed(() => phase.value === "member"),

    async resume() {
      try {
        settle((await auth.signedIn()) ? await api.me() : null);
      } catch (error) {
        const failure = asProblem(error);
        if (failure.status === 401 || failure.status === 403) return settle(null);
        batch(() => {
          problem.value = failure;
          phase.value = "failed";
        });
      }
    },
    async logIn(username: string, password: string) {
      await auth.logIn(username, password);
      settle(await api.me());
    },
    async signUp(fields: { username: string; email: string; password: string }) {
      await auth.signUp(fields);
      settle(await api.me());
    },
    async logOut() {
      await auth.logOut();
      settle(null);
    },
    /** The server answered 401 in the middle of something. */
    expire() {
      if (phase.value === "member") settle(null);
    },
    update(person: Me) {
      me.value = person;
    },
  };
});

export type SessionModel = InstanceType<typeof Session>;

export type DoorKind = "login" | "signup" | "forgotten" | "reset";
export type DoorField = "username" | "email" | "password";

const FIELDS: Record<DoorKind, DoorField[]> = {
  login: ["username", "password"],
  signup: ["username", "email", "password"],
  forgotten: ["email"],
  reset: ["password"],
};

/** The door in its four shapes: come in, sign up, ask for a link, choose a new password with its key. */
export const Door = createModel(
  (
    session: SessionModel,
    auth: Pick<Auth, "forgotPassword" | "resetPassword">,
    kind: DoorKind,
    key: string,
    onEntered: () => void,
  ) => {
    const fields = { username: signal(""), email: signal(""), password: signal("") };
    const phase = signal<"editing" | "sending" | "done">("editing");
    const problem = signal<Problem | null>(null);
    const complete = computed(() => FIELDS[kind].every((name) => fields[name].value.trim() !== ""));

    async function knock() {
      const username = fields.username.value.trim();
      const email = fields.email.value.trim();
      const password = fields.password.value;
      if (kind === "login") await session.logIn(username, password);
      else if (kind === "signup") await session.signUp({ username, email, password });
      else if (kind === "forgotten") await auth.forgotPassword(email);
      else await auth.resetPassword(key, password);
    }

    return {
      username: fields.username as ReadonlySignal<string>,
      email: fields.email as ReadonlySignal<string>,
      password: fields.password as ReadonlySignal<string>,
      phase: phase as ReadonlySignal<"editing" | "sending" | "done">,
      problem: problem as ReadonlySignal<Problem | null>,
      canSend: computed(() => complete.value && phase.value === "editing"),
      write(field: DoorField, text: string) {
        fields[field].value = text;
      },
      async send() {
        if (!complete.value || phase.value !== "editing") return;
        phase.value = "sending";
        problem.value = null;
        try {
          await knock();
          const inside = kind === "login" || kind === "signup";
          phase.value = inside ? "editing" : "done";
          if (inside) onEntered();
        } catch (error) {
          batch(() => {
            problem.value = asProblem(error);
            phase.value = "editing";
          });
        }
      },
    };
  },
);

/** The link in the mail that confirms an address. */
export const Confirmation = createModel((auth: Pick<Auth, "confirmEmail">, key: string) => {
  const phase = signal<"confirming" | "confirmed" | "failed">("confirming");
  return {
    phase: phase as ReadonlySignal<"confirming" | "confirmed" | "failed">,
    async confirm() {
      try {
        await auth.confirmEmail(key);
        phase.value = "confirmed";
      } catch (error) {
        asProblem(error);
        phase.value = "failed";
      }
    },
  };
});

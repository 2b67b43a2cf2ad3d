import { batch, computed, createModel, signal } from "@preact/signals";

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
      settle(null);
    },
    update(person: Me) {
      me.value = person;
    },
  };
});

export type SessionModel = InstanceType<typeof Session>;

/** The form of both doors: sign up and log in. */
export const Door = createModel((session: SessionModel, kind: "login" | "signup", onEntered: () => void) => {
  const username = signal("");
  const email = signal("");
  const password = signal("");
  const phase = signal<"editing" | "sending">("editing");
  const problem = signal<Problem | null>(null);
  const complete = computed(() => username.value.trim() !== "" && password.value !== "");

  return {
    username,
    email,
    password,
    phase,
    problem,
    canSend: computed(() => complete.value && phase.value === "editing"),
    write(field: "username" | "email" | "password", text: string) {
      ({ username, email, password })[field].value = text;
    },
    async send() {
      if (!complete.value || phase.value === "sending") return;
      const name = username.value.trim();
      phase.value = "sending";
      problem.value = null;
      try {
        if (kind === "login") await session.logIn(name, password.value);
        else await session.signUp({ username: name, email: email.value.trim(), password: password.value });
        onEntered();
      } catch (error) {
        problem.value = asProblem(error);
      } finally {
        phase.value = "editing";
      }
    },
  };
});

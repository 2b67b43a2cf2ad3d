import { useModel } from "@preact/signals";
import { Check } from "lucide";

import { reportReasons } from "../../model/types";
import type { TextKey } from "../../i18n/en";
import { useApp, useT } from "../context";
import { Button, Empty, Field, InlineProblem } from "../parts/basics";
import { Dialog } from "../parts/dialog";

export function ReportDialog({
  target,
  id,
  onClose,
}: {
  target: "post" | "comment";
  id: string;
  onClose: () => void;
}) {
  const app = useApp();
  const t = useT();
  const report = useModel(() => app.screens.report(target, id));
  if (report.phase.value === "sent") {
    return (
      <Dialog title={t("report")} onClose={onClose}>
        <Empty icon={Check} title={t("report_sent")} action={<Button onClick={onClose}>{t("close")}</Button>}>
          {t("report_sent_text")}
        </Empty>
      </Dialog>
    );
  }
  return (
    <Dialog title={t(target === "post" ? "report_post" : "report_comment")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void report.send();
        }}
      >
        <fieldset class="choices">
          <legend>{t("report_why")}</legend>
          {reportReasons.map((reason) => (
            <label key={reason} class="choice">
              <input
                type="radio"
                name="reason"
                checked={report.reason.value === reason}
                onChange={() => report.choose(reason)}
              />
              <span>{t(`reason_${reason}` as TextKey)}</span>
            </label>
          ))}
        </fieldset>
        <Field label={t("report_detail")}>
          <textarea
            rows={3}
            maxLength={1000}
            value={report.detail.value}
            onInput={(event) => report.write(event.currentTarget.value)}
          />
        </Field>
        <InlineProblem problem={report.problem.value} />
        <footer>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button
            kind="main"
            type="submit"
            busy={report.phase.value === "sending"}
            disabled={!report.canSend.value}
          >
            {t("send_report")}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

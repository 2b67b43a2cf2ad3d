import "./live.css";

import { useEffect, useRef } from "preact/hooks";
import { useModel } from "@preact/signals";
import { Copy, Gauge } from "lucide";

import { Speed } from "../../viewmodel/speed";
import { useApp, useT, useTitle } from "../context";
import { Button, InlineProblem, problemText } from "../parts/basics";

export function SpeedScreen() {
  const app = useApp();
  const t = useT();
  useTitle(t("speed_title"));
  const speed = useModel(() => new Speed(app.measuring()));
  useEffect(() => speed.close, []);
  const result = useRef<HTMLPreElement>(null);
  const measuring = speed.phase.value === "measuring";
  const copy = async () => {
    if (!(await speed.copy()) && result.current) getSelection()?.selectAllChildren(result.current);
  };
  return (
    <div class="page narrow">
      <header class="page-head">
        <h1>{t("speed_title")}</h1>
        <p>{t("speed_text")}</p>
      </header>
      <div class="row">
        <Button kind="main" icon={Gauge} busy={measuring} onClick={() => void speed.measure()}>
          {t("speed_measure")}
        </Button>
        {speed.phase.value === "done" && (
          <Button icon={Copy} onClick={() => void copy()}>
            {t(speed.copied.value === "yes" ? "copied" : "speed_copy")}
          </Button>
        )}
      </div>
      <p class="faint" role="status">
        {measuring && t("speed_now", { name: speed.now.value })}
        {speed.copied.value === "by_hand" && t("speed_by_hand")}
      </p>
      <InlineProblem problem={speed.problem.value} />
      {speed.rows.value.length > 0 && (
        <div class="speed-table">
          <table>
            <thead>
              <tr>
                <th scope="col">{t("speed_way")}</th>
                <th scope="col">{t("speed_size")}</th>
                <th scope="col">{t("speed_painter")}</th>
                <th scope="col">{t("speed_whole")}</th>
                <th scope="col">{t("speed_rate")}</th>
                <th scope="col">{t("speed_same")}</th>
              </tr>
            </thead>
            <tbody>
              {speed.rows.value.map(({ name, short, painter, whole, agreement }) => (
                <tr key={`${name} ${short}`}>
                  <th scope="row">{name}</th>
                  <td>{`${short}×${short}`}</td>
                  <td>{`${painter.toFixed(1)} ms`}</td>
                  <td>{`${whole.toFixed(1)} ms`}</td>
                  <td>{(1000 / whole).toFixed(1)}</td>
                  <td>{agreement === null ? "–" : `${agreement.toFixed(0)} dB`}</td>
                </tr>
              ))}
              {speed.failures.value.map(({ name, problem }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td colSpan={5}>{problemText(t, problem).title}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {speed.phase.value === "done" && (
        <pre class="speed-text" ref={result}>
          {speed.text.value}
        </pre>
      )}
    </div>
  );
}

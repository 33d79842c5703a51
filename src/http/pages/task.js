// The live view of a task: its stages, its progress, its receipts.

import { el, linked, visible } from "./dom.js";

const MARKS = { pending: "○", waiting: "◔", running: "◑", done: "●", skipped: "–", failed: "✗", unknown: "?", cancelled: "–" };
const ENDED = ["completed", "completed_with_failures", "failed", "cancelled", "quarantined"];

export const hasEnded = (task) => ENDED.includes(task.status);

/** The element for a task. `act` has stop and undo. */
export function taskView(task, act) {
  const receipts = task.result?.receipts ?? task.steps.flatMap((step) => [step.receipt, ...(step.items ?? []).map((item) => item.receipt)]).filter(Boolean);
  const undoable = receipts.some((receipt) => receipt.status === "done" && receipt.uid);
  return el(
    "div",
    { "data-task": task.id, "data-status": task.status },
    el("h2", {}, visible(task.title ?? task.intent)),
    el("p", { class: `status ${task.status}` }, task.status.replaceAll("_", " ")),
    el(
      "div",
      { class: "progress", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(task.progress), "aria-label": "Progress" },
      el("meter", { min: 0, max: 100, value: task.progress }),
      el("span", {}, `${task.progress} %`),
    ),
    el(
      "ol",
      { class: "steps" },
      task.steps.map((step) =>
        el(
          "li",
          { class: step.status },
          el("span", { class: "mark", "aria-hidden": "true" }, MARKS[step.status] ?? "○"),
          el("span", {}, visible(step.title), el("small", {}, ` ${step.status}`), step.error ? el("small", { class: "wrong" }, ` ${visible(step.error)}`) : null),
        ),
      ),
    ),
    receipts.length
      ? el(
          "details",
          { open: true },
          el("summary", {}, `Receipts (${receipts.length})`),
          el("ul", { class: "receipts" }, receipts.map((receipt) => receiptView(receipt))),
        )
      : null,
    el(
      "p",
      { class: "row" },
      hasEnded(task) ? null : el("button", { type: "button", class: "stop", onclick: () => act.stop(task) }, "Stop"),
      undoable ? el("button", { type: "button", onclick: () => act.undo(task) }, "Undo") : null,
    ),
  );
}

function receiptView(receipt) {
  return el(
    "li",
    { class: receipt.status, "data-action": receipt.action, "data-message-id": receipt.message_id },
    el("strong", {}, receipt.status),
    " ",
    linked(receipt.detail),
    receipt.message_id ? el("small", {}, ` ${visible(receipt.message_id)}`) : null,
  );
}

// Open questions: buttons, checkboxes, a box for words, and the confirmation card.

import { el, linked, visible } from "./dom.js";

/** The element for a question. `act` has select, confirm and change. */
export function promptView(prompt, act) {
  const card = el("section", { class: `prompt ${prompt.kind}`, "data-prompt": prompt.prompt_id, "aria-label": "A question for you" });
  card.append(el("p", { class: "question" }, linked(prompt.question)));
  if (prompt.kind === "confirmation") card.append(confirmation(prompt, act));
  else if (prompt.kind === "multi_select") card.append(several(prompt, act));
  else card.append(one(prompt, act));
  card.append(el("p", { class: "wrong", role: "alert" }));
  return card;
}

function one(prompt, act) {
  const buttons = (prompt.options ?? []).map((option) =>
    el(
      "button",
      { type: "button", class: "option", "data-option": option.id, onclick: () => act.select(prompt, { selection: option.id }) },
      el("span", {}, visible(option.name)),
      option.description ? el("small", {}, visible(option.description)) : null,
    ),
  );
  const hint =
    prompt.kind === "clarification"
      ? el("p", { class: "hint" }, buttons.length ? "Choose one, or type your answer below." : "Type your answer below.")
      : null;
  return el("div", { class: "options", role: "group" }, buttons, hint);
}

function several(prompt, act) {
  const min = prompt.min ?? 1;
  const max = prompt.max ?? prompt.options.length;
  const done = el("button", { type: "submit", class: "go" }, "Done");
  const note = el("p", { class: "hint", "aria-live": "polite" });
  const boxes = prompt.options.map((option) =>
    el(
      "label",
      { class: "box" },
      el("input", { type: "checkbox", value: option.id, onchange: () => count() }),
      el("span", {}, visible(option.name)),
      option.description ? el("small", {}, visible(option.description)) : null,
    ),
  );
  const form = el("form", {}, el("fieldset", {}, el("legend", { class: "hidden" }, prompt.question), boxes), note, done);
  const chosen = () => [...form.querySelectorAll("input:checked")].map((box) => box.value);
  const count = () => {
    const n = chosen().length;
    done.disabled = n < min || n > max;
    note.textContent = `${n} chosen; ${min === max ? min : `${min} to ${max}`} wanted`;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act.select(prompt, { selections: chosen() });
  });
  count();
  return form;
}

function confirmation(prompt, act) {
  const actions = prompt.pending_actions ?? [];
  const single = actions.length === 1;
  const cards = actions.map((action) =>
    el(
      "li",
      { class: `action ${action.status}` },
      el("h3", {}, visible(action.description)),
      el("p", { class: "kind" }, action.action_type, action.status === "pending" ? null : ` · ${action.status}`),
      action.notes?.length
        ? el(
            "ul",
            { class: "notes", "aria-label": "Know this first" },
            action.notes.map((note) => el("li", {}, el("span", { class: "sign", role: "img", "aria-label": "Warning" }, "⚠"), el("span", {}, visible(note).replaceAll("\n", "⟨U+000A⟩")))),
          )
        : null,
      el(
        "dl",
        {},
        Object.entries(action.parameters).flatMap(([name, value]) => [
          el("dt", {}, visible(name.replaceAll("_", " "))),
          el("dd", {}, shown(value)),
        ]),
      ),
      action.status === "pending" && !single
        ? el(
            "p",
            { class: "row" },
            el("button", { type: "button", onclick: () => act.confirm(prompt, "approve", action.id) }, "Only this: yes"),
            el("button", { type: "button", onclick: () => act.confirm(prompt, "reject", action.id) }, "Not this"),
          )
        : null,
    ),
  );
  return el(
    "div",
    {},
    el("ol", { class: "actions" }, cards),
    el(
      "p",
      { class: "row" },
      el("button", { type: "button", class: "go", "data-confirm": "all", onclick: () => act.confirm(prompt, "approve_all") }, single ? "Confirm" : "Confirm all"),
      el("button", { type: "button", onclick: () => act.change() }, "Change…"),
      el("button", { type: "button", class: "stop", onclick: () => act.confirm(prompt, "reject_all") }, "Cancel"),
    ),
  );
}

/** An argument in full. */
function shown(value) {
  if (Array.isArray(value)) return el("ul", {}, value.map((item) => el("li", {}, shown(item))));
  if (value !== null && typeof value === "object") return el("code", {}, visible(JSON.stringify(value, null, 1)));
  return el("span", { class: "value" }, visible(value));
}

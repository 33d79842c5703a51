// The page: a conversation, the open question, and what is being done, kept live.

import { call, follow, leave } from "./api.js";
import { byId, el, linked, visible } from "./dom.js";
import { fill } from "./panels.js";
import { promptView } from "./prompt.js";
import { hasEnded, taskView } from "./task.js";

const KEY = "super-manager.session";
const CHARS_MAX = 10000;
const CHARS_NEAR = 9000;
const RECENT_TASKS = 5;

const state = { me: null, session: localStorage.getItem(KEY) ?? newSession(), task: null, photo: null, last: 0, refreshing: null, again: false };

function newSession() {
  const session = crypto.randomUUID ? crypto.randomUUID() : `s${Date.now()}${Math.random().toString(36).slice(2)}`;
  localStorage.setItem(KEY, session);
  return session;
}

function bubble(text, who) {
  const item = el("li", { class: who }, linked(text));
  byId("messages").append(item);
  item.scrollIntoView({ block: "end" });
  return item;
}

// Replies that are being made: shown as they grow, gone when the planner has answered.

const growing = new Map();

function grow(task, { chunk, replace }) {
  const before = growing.get(task);
  const text = replace || !before ? chunk : before.text + chunk;
  const item = before?.item ?? el("li", { class: "it growing", "aria-live": "off", "data-growing": task });
  item.replaceChildren(...linked(text));
  if (!before) {
    byId("messages").append(item);
    item.scrollIntoView({ block: "end" });
  }
  growing.set(task, { item, text });
}

function forget(task) {
  growing.get(task)?.item.remove();
  growing.delete(task);
}

function toast(text) {
  const note = el("p", {}, text);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), 12000);
}

// Asking and answering. Replies come through the socket, so that they come once and in order.

async function attempt(work) {
  try {
    return await work();
  } catch (problem) {
    const place = document.querySelector("#prompt .wrong");
    if (place) place.textContent = problem.message;
    else toast(problem.message);
    return null;
  } finally {
    refresh();
  }
}

function say(text) {
  bubble(text, "you");
  return attempt(() => call("POST", "/api/agent/process", { message: text, session_id: state.session }));
}

/** Says something with a photo. */
function show(file, words) {
  const text = words || "What is in this photo?";
  const said = bubble(`${text}\nPhoto: ${file.name}`, "you");
  return attempt(async () => {
    try {
      const { photo_id: id } = await call("POST", "/api/photos", file, file.type || "application/octet-stream");
      return await call("POST", "/api/agent/process", { message: text, session_id: state.session, photos: [id] });
    } catch (problem) {
      said.remove();
      byId("say").value ||= words;
      if (!state.photo) attach(file);
      throw problem;
    }
  });
}

/** Notes which photo goes with the next message; null for none. */
function attach(file) {
  state.photo = file;
  byId("photo").value = "";
  byId("photo-name").textContent = file ? `Photo: ${visible(file.name)}` : "";
  byId("attached").hidden = !file;
}

const act = {
  select: (prompt, answer) => {
    const ids = answer.selections ?? [answer.selection];
    const names = (prompt.options ?? []).filter((option) => ids.includes(option.id)).map((option) => option.name);
    bubble(names.join(", "), "you");
    return busy(() => call("POST", "/api/agent/select", { session_id: prompt.session_id, prompt_id: prompt.prompt_id, ...answer }));
  },
  confirm: (prompt, action, id) => {
    if (!id) bubble(verdict(action === "approve_all"), "you");
    return busy(() =>
      call("POST", "/api/agent/confirm", { session_id: prompt.session_id, prompt_id: prompt.prompt_id, action, ...(id ? { action_id: id } : {}) }),
    );
  },
  change: () => {
    const box = byId("say");
    box.value = "Change: ";
    box.focus();
  },
  stop: (task) => attempt(() => call("POST", `/api/tasks/${task.id}/cancel`)),
  undo: (task) => attempt(() => call("POST", `/api/tasks/${task.id}/undo`)),
};

const verdict = (yes) => (yes ? "Yes, go ahead" : "No");

/** What was answered, by the log: the value, its name, or the names of several. */
function answered(frame) {
  if (frame.type !== "stage_completed" || !["done", "skipped"].includes(frame.data.status)) return null;
  const { stage_type: type, result } = frame.data;
  if (type === "confirmation") return result && result.by ? verdict(result.approved) : null;
  if (!["clarification", "selection", "multi_select"].includes(type)) return null;
  const name = (value) => (value !== null && typeof value === "object" ? (value.name ?? value.title ?? value.email ?? JSON.stringify(value)) : String(value));
  return Array.isArray(result) ? result.map(name).join(", ") : name(result);
}

/** Sends an answer with the question's buttons off, so that a second press sends nothing. */
function busy(work) {
  for (const button of document.querySelectorAll("#prompt button, #prompt input")) button.disabled = true;
  return attempt(work);
}

// Looking: one refresh at a time, and one more when something happened meanwhile.

function refresh() {
  if (state.refreshing) {
    state.again = true;
    return;
  }
  state.refreshing = look()
    .catch((problem) => toast(problem.message))
    .finally(() => {
      state.refreshing = null;
      if (state.again) {
        state.again = false;
        refresh();
      }
    });
}

async function look() {
  const { prompts } = await call("GET", "/api/prompts");
  const prompt = prompts.find((open) => open.session_id === state.session) ?? null;
  showPrompt(prompt);
  const id = prompt?.task_id ?? state.task;
  if (!id) return;
  const task = await call("GET", `/api/tasks/${encodeURIComponent(id)}`);
  state.task = task.id;
  const place = byId("task");
  place.replaceChildren(taskView(task, act));
  place.hidden = false;
}

function showPrompt(prompt) {
  const place = byId("prompt");
  const before = place.firstElementChild;
  const same = before && prompt && before.dataset.prompt === prompt.prompt_id && before.dataset.body === JSON.stringify(prompt);
  if (same && !before.querySelector(":disabled:not(.go)")) return;
  if (!prompt) {
    place.replaceChildren();
    return;
  }
  const view = promptView(prompt, act);
  view.dataset.body = JSON.stringify(prompt);
  place.replaceChildren(view);
  view.scrollIntoView({ block: "nearest" });
}

function onFrame(frame) {
  if (frame.type === "ai_streaming") {
    if (frame.data.session_id === state.session) grow(frame.task_id, frame.data);
    return;
  }
  if (["ai_complete", "message", "task_completed", "task_failed"].includes(frame.type)) forget(frame.task_id);
  state.last = Math.max(state.last, frame.seq ?? 0);
  const mine = frame.data?.session_id === state.session;
  if (frame.type === "message" && mine) bubble(frame.data.text, "it");
  if (frame.type === "notification") {
    bubble(frame.data.text, "notice");
    toast(frame.data.text);
  }
  if (frame.type === "task_created" && frame.task_id) state.newest = frame.task_id;
  if (frame.type === "message" && mine && frame.task_id) state.task = frame.task_id;
  if (frame.type === "workflow_created" && frame.task_id === state.newest) state.task = frame.task_id;
  if (frame.type !== "connected") refresh();
}

// Starting: what was said before comes back from the log.

async function history() {
  const { tasks } = await call("GET", `/api/tasks/?limit=${RECENT_TASKS}`);
  const own = tasks.filter((task) => task.session_id === state.session).reverse();
  const frames = [];
  for (const task of own) {
    const { events } = await call("GET", `/api/tasks/${task.id}/events?after=0`);
    frames.push(...events);
  }
  frames.sort((a, b) => a.seq - b.seq);
  for (const frame of frames) {
    if (frame.type === "task_created") bubble(frame.data.title, "you");
    if (frame.type === "message" && frame.data.session_id === state.session) bubble(frame.data.text, "it");
    const words = answered(frame);
    if (words) bubble(words, "you");
    state.last = Math.max(state.last, frame.seq);
  }
  const live = own.filter((task) => !hasEnded(task)).pop() ?? own.pop();
  state.task = live?.id ?? null;
}

async function start() {
  state.me = await call("GET", "/api/me");
  await history();
  if (!byId("messages").children.length) bubble(`Hello ${state.me.name}. Tell me what to do, in your own words.`, "it");
  refresh();
  follow(state.me.user_id, state.last, onFrame, (word) => {
    byId("link").textContent = word;
    // What was missed of a growing reply is told from its beginning.
    for (const task of [...growing.keys()]) forget(task);
    if (word === "live") refresh();
  });
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const box = byId("say");
  const text = box.value.trim();
  const photo = state.photo;
  if (!text && !photo) return;
  box.value = "";
  byId("count").textContent = "";
  attach(null);
  if (photo) show(photo, text);
  else say(text);
});

byId("attach").addEventListener("click", () => byId("photo").click());
byId("photo").addEventListener("change", (event) => attach(event.target.files[0] ?? null));
byId("detach").addEventListener("click", () => attach(null));

byId("say").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("ask").requestSubmit();
  }
});

byId("say").addEventListener("input", (event) => {
  const n = event.target.value.length;
  byId("count").textContent = n > CHARS_NEAR ? `${n} of ${CHARS_MAX} characters` : "";
});

byId("new").addEventListener("click", () => {
  state.session = newSession();
  state.task = null;
  growing.clear();
  byId("messages").replaceChildren();
  byId("prompt").replaceChildren();
  byId("task").hidden = true;
  byId("say").focus();
});

const panelActs = {
  close: () => openPanel(null),
  show: (id) => {
    state.task = id;
    openPanel(null);
    refresh();
  },
  signOut: () => call("DELETE", "/api/session").then(leave, (problem) => toast(problem.message)),
};

function openPanel(name) {
  const panel = byId("panel");
  for (const button of document.querySelectorAll("[data-panel]")) button.setAttribute("aria-expanded", String(button.dataset.panel === name));
  panel.hidden = !name;
  if (name) fill(name, panel, panelActs).catch((problem) => toast(problem.message));
}

for (const button of document.querySelectorAll("[data-panel]")) {
  button.addEventListener("click", () => openPanel(button.getAttribute("aria-expanded") === "true" ? null : button.dataset.panel));
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openPanel(null);
});

start().catch((problem) => toast(problem.message));

// The panels beside the conversation: tasks, contacts, settings.

import { call } from "./api.js";
import { el, visible } from "./dom.js";

/** Fills the panel of that name. */
export async function fill(name, panel, act) {
  const close = el("button", { type: "button", class: "plain close", onclick: () => act.close() }, "Close");
  const body = await { tasks, contacts, settings }[name](() => fill(name, panel, act), act);
  panel.replaceChildren(close, body);
  panel.querySelector("input, button:not(.close)")?.focus();
}

async function tasks(_again, act) {
  const { tasks: list } = await call("GET", "/api/tasks/?limit=30");
  return el(
    "div",
    {},
    el("h2", {}, "Tasks"),
    list.length ? null : el("p", { class: "hint" }, "Nothing yet."),
    el(
      "ul",
      { class: "list" },
      list.map((task) =>
        el(
          "li",
          {},
          el("button", { type: "button", class: "plain", onclick: () => act.show(task.id) }, visible(task.title ?? task.intent)),
          el("small", {}, ` ${task.status.replaceAll("_", " ")}, ${task.progress} %`),
        ),
      ),
    ),
  );
}

/** The fields of a contact, as people call them. */
const WORDS = {
  name: "name",
  email: "email",
  emails: "further emails",
  phone: "phone",
  phones: "further phones",
  telegram: "telegram",
  relation: "relation",
  groups: "groups",
};
/** Fields with several values, typed with commas between. */
const SEVERAL = ["emails", "phones", "groups"];

async function contacts(again) {
  const { contacts: list } = await call("GET", "/api/contacts");
  const fields = Object.keys(WORDS);
  const form = (contact, path, method) =>
    el(
      "form",
      {
        class: "contact",
        onsubmit: async (event) => {
          event.preventDefault();
          const data = Object.fromEntries(new FormData(event.target));
          const body = { ...contact, name: data.name.trim() };
          delete body.id;
          for (const several of SEVERAL) {
            body[several] = data[several].split(",").map((one) => one.trim()).filter(Boolean);
          }
          for (const optional of ["email", "phone", "telegram", "relation"]) {
            if (data[optional].trim()) body[optional] = data[optional].trim();
            else delete body[optional];
          }
          await saved(event.target, () => call(method, path, body), again);
        },
      },
      fields.map((field) => {
        const id = `${contact.id ?? "new"}-${field}`;
        const value = SEVERAL.includes(field) ? (contact[field] ?? []).join(", ") : (contact[field] ?? "");
        return el("p", {}, el("label", { for: id }, WORDS[field]), el("input", { id, name: field, value, required: field === "name", type: field === "email" ? "email" : "text" }));
      }),
      el("p", { class: "wrong", role: "alert" }),
      el("p", { class: "row" }, el("button", { type: "submit", class: "go" }, contact.id ? "Save" : "Add"), contact.id ? remove(path, again) : null),
    );
  return el(
    "div",
    {},
    el("h2", {}, "Contacts"),
    form({}, "/api/contacts", "POST"),
    importing(again),
    el(
      "ul",
      { class: "list" },
      list.map((contact) =>
        el(
          "li",
          { "data-contact": contact.name },
          el("details", {}, el("summary", {}, visible(contact.name), el("small", {}, ` ${visible([contact.email, ...(contact.emails ?? [])].filter(Boolean).join(", "))}`)), form(contact, `/api/contacts/${contact.id}`, "PUT")),
        ),
      ),
    ),
  );
}

/** Reads a file of a phone or mail service into the contacts, and says what became of each card. */
function importing(again) {
  const told = el("div", { role: "status" });
  const read = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    told.textContent = "Reading…";
    try {
      const done = await call("POST", "/api/contacts/import", file, "text/vcard");
      imported = summary(done);
      await again();
    } catch (problem) {
      told.textContent = problem.message;
      event.target.value = "";
    }
  };
  if (imported) told.replaceChildren(...imported);
  imported = null;
  return el(
    "div",
    {},
    el("p", {}, el("label", { for: "vcards" }, "Import a vCard file"), el("input", { id: "vcards", type: "file", accept: ".vcf,.vcard,text/vcard,text/x-vcard", onchange: read })),
    told,
  );
}

/** What the last import did, shown once the list is there anew. */
let imported = null;

function summary({ added, updated, unchanged, skipped, skipped_more: more }) {
  const words = `${added} added, ${updated} updated, ${unchanged} unchanged`;
  const lines = skipped.map(({ line, name, why }) => el("li", {}, `${name ? visible(name) : "Card"}, line ${line}: ${visible(why)}`));
  if (more) lines.push(el("li", {}, `and ${more} more`));
  return [el("p", {}, words), lines.length ? el("p", {}, "Not read:") : null, lines.length ? el("ul", {}, lines) : null].filter(Boolean);
}

function remove(path, again) {
  return el("button", { type: "button", class: "stop", onclick: (event) => saved(event.target.form, () => call("DELETE", path), again) }, "Delete");
}

async function settings(again, act) {
  const [now, me, foreign] = await Promise.all([call("GET", "/api/settings"), call("GET", "/api/me"), tools(again)]);
  const zones = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  const form = el(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        const data = Object.fromEntries(new FormData(event.target));
        await saved(event.target, () => call("PATCH", "/api/settings", { ...data, remote_ai: data.remote_ai === "on" }), again);
      },
    },
    el("p", {}, el("label", { for: "timezone" }, "Time zone"), el("input", { id: "timezone", name: "timezone", list: "zones", value: now.timezone })),
    el("datalist", { id: "zones" }, zones.map((zone) => el("option", { value: zone }))),
    el("p", {}, el("label", { for: "currency" }, "Currency"), el("input", { id: "currency", name: "currency", maxlength: "3", value: now.currency })),
    el(
      "p",
      {},
      el("label", { for: "notify_on" }, "Notices go to"),
      el("select", { id: "notify_on", name: "notify_on" }, ["web", "telegram", "email"].map((way) => el("option", { value: way, selected: now.notify_on === way }, way))),
    ),
    el(
      "p",
      {},
      el("label", { class: "box" }, el("input", { id: "remote_ai", type: "checkbox", name: "remote_ai", checked: now.remote_ai }), el("span", {}, "Remote models may see my requests and photos, and with them names of my contacts, what I had remembered and what was said before")),
      el("small", { class: "hint" }, "Off: only the built-in planner and local models."),
    ),
    el("p", { class: "wrong", role: "alert" }),
    el("p", { class: "row" }, el("button", { type: "submit", class: "go" }, "Save"), el("button", { type: "button", onclick: () => act.signOut() }, "Sign out")),
  );
  const ways = me.identities.map((identity) => `${identity.channel} ${identity.address}`);
  const linked = ways.length ? `You are reached by ${ways.join(", ")}.` : "Nothing but this page is linked to you.";
  return el(
    "div",
    {},
    el("h2", {}, "Settings"),
    el("p", { class: "hint" }, `You are ${me.name}. ${visible(linked)}`),
    form,
    codes(),
    foreign,
  );
}

/** Tools of MCP servers that wait for the owner; nothing for anybody else. */
async function tools(again) {
  const { tools: all } = await call("GET", "/api/mcp/tools").catch(() => ({ tools: [] }));
  const open = all.filter((tool) => tool.status === "new" || tool.status === "changed");
  if (!all.length) return null;
  const said = (title, what) =>
    what && el("div", {}, el("small", {}, title), el("pre", {}, visible(`${what.description}\n${JSON.stringify(what.schema, null, 2)}`)));
  const allow = (tool) =>
    el(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          await saved(event.target, () => call("POST", `/api/mcp/tools/${encodeURIComponent(tool.name)}/allow`, { hash: tool.hash }), again);
        },
      },
      el("p", { class: "wrong", role: "alert" }),
      el("p", { class: "row" }, el("button", { type: "submit", class: "go" }, "Allow it as it is now")),
    );
  const others = all.filter((tool) => tool.reason && !open.includes(tool));
  return el(
    "div",
    {},
    el("h3", {}, "Tools of MCP servers"),
    el("p", { class: "hint" }, `${all.length - open.length - others.length} can be used; ${open.length} wait for you. What they say of themselves are their server's words.`),
    el(
      "ul",
      { class: "list" },
      open.map((tool) =>
        el(
          "li",
          { "data-tool": tool.name },
          el("details", {}, el("summary", {}, visible(tool.name), el("small", {}, ` ${tool.status}`)), said("As it was allowed", tool.before), said("As it is now", tool.after), allow(tool)),
        ),
      ),
      others.map((tool) => el("li", {}, visible(tool.name), el("small", {}, ` ${visible(tool.reason)}`))),
    ),
  );
}

/** Buttons that make a code: for another way to reach the same person, or for a new person. */
function codes() {
  const made = el("p", { role: "status" });
  const make = (path, words) => async () => {
    try {
      const { code } = await call("POST", path);
      made.replaceChildren(words, " On Telegram send the bot ", el("code", {}, `/start ${code}`), "; on the web open ", el("code", {}, `${location.origin}/login?code=${code}`), ".");
    } catch (problem) {
      made.textContent = problem.message;
    }
  };
  return el(
    "div",
    {},
    el("h3", {}, "Codes"),
    el(
      "p",
      { class: "row" },
      el("button", { type: "button", onclick: make("/api/link", "Once, within 10 minutes, for yourself.") }, "Link another way"),
      el("button", { type: "button", onclick: make("/api/invites", "Once, within a week, for a new person.") }, "Invite somebody"),
    ),
    made,
  );
}

async function saved(form, work, again) {
  try {
    await work();
    await again();
  } catch (problem) {
    form.querySelector(".wrong").textContent = problem.message;
  }
}

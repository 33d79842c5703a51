// A person at the page: signs in, adds contacts, asks, chooses, confirms, reloads, watches it end.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const base = process.env.BASE_URL;
const token = process.env.OWNER_TOKEN;
const maildir = process.env.MAILDIR;
const shots = process.env.SHOTS;
assert(base && token, "BASE_URL and OWNER_TOKEN are needed");

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const profile = mkdtempSync(join(tmpdir(), "browser-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: flags,
  viewport: { width: 1280, height: 900 },
});
browser.setDefaultTimeout(30000);
const page = browser.pages()[0] ?? (await browser.newPage());
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" && !message.text().includes("401")) complaints.push(`${message.text()} ${message.location().url}`);
});
let passed = 0;

async function check(name, work) {
  try {
    await work();
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    console.error(`FAIL ${name}\n${error.stack ?? error}`);
    if (shots) await page.screenshot({ path: join(shots, "failure.png"), fullPage: true });
    console.error(await page.locator("body").innerText());
    await browser.close();
    console.log(`${passed} passed, 1 failed`);
    process.exit(1);
  }
}

const shot = async (name) => {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
};

async function api(method, path, body) {
  const answer = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body ? JSON.stringify(body) : undefined,
  });
  assert(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

function mails() {
  const found = [];
  const walk = (dir) => {
    for (const name of readdirSync(dir)) {
      const path = join(dir, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (/\/(new|cur)\//.test(path)) found.push({ path, text: readFileSync(path, "utf8") });
    }
  };
  walk(maildir);
  return found;
}

async function until(what, fits) {
  const end = Date.now() + 20000;
  for (;;) {
    const value = fits();
    if (value) return value;
    assert(Date.now() < end, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const BUSY = "Busy. Please try again.";

/** Does something while the service is too busy for requests to that address. */
async function whileBusy(address, work) {
  const before = complaints.length;
  await page.route(address, (route) => route.fulfill({ status: 503, json: { detail: BUSY } }));
  await work();
  await page.unroute(address);
  await until("the browser's own complaint", () => complaints.length > before);
  assert(complaints.pop().includes("503"));
}

/** Presses a button and waits until the panel that it is in has been made anew. */
async function pressAnew(button) {
  const before = await button.elementHandle();
  await button.click();
  // One that is gone counts as hidden.
  await before.waitForElementState("hidden");
}

await check("a stranger is led to the sign-in page, and a link alone signs nobody in", async () => {
  await page.goto(`${base}/`);
  await page.waitForURL("**/login");
  await page.goto(`${base}/login?code=guessed`);
  assert.equal(await page.inputValue("#code"), "guessed");
  await page.click("button[type=submit]");
  await page.locator("#wrong").filter({ hasText: /\S/ }).waitFor();
});

await check("the owner signs in with the token", async () => {
  await page.goto(`${base}/login`);
  await page.click("summary");
  await page.fill("#token", token);
  await page.click("button[type=submit]");
  await page.waitForURL(`${base}/`);
  await page.locator("#link", { hasText: "live" }).waitFor();
});

await check("contacts are added by hand", async () => {
  await page.click("[data-panel=contacts]");
  for (const [name, email] of [["Bob", "user@test.local"], ["Carol", "guest@test.local"]]) {
    await page.fill("#new-name", name);
    await page.fill("#new-email", email);
    await page.locator("#panel form").first().locator("button[type=submit]").click();
    await page.locator(`[data-contact=${name}]`).waitFor();
  }
  await shot("contacts");
  await page.keyboard.press("Escape");
});

await check("a vCard file is read into the contacts, and the same file changes nothing", async () => {
  const file = {
    name: "contacts.vcf",
    mimeType: "text/vcard",
    buffer: Buffer.from(
      "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dora\r\nUID:d\r\nEMAIL:dora@test.local\r\nEMAIL:dora@work.local\r\nCATEGORIES:family\r\nEND:VCARD\r\n" +
        "BEGIN:VCARD\r\nVERSION:3.0\r\nNOTE:nobody\r\nEND:VCARD\r\n",
    ),
  };
  await page.click("[data-panel=contacts]");
  for (const words of ["1 added", "1 unchanged"]) {
    await page.setInputFiles("#vcards", file);
    const told = page.locator("#panel [role=status]", { hasText: words });
    await told.waitFor();
    assert.match(await told.innerText(), /line 9: it has no name/);
  }
  const dora = page.locator("[data-contact=Dora]");
  assert.equal(await dora.count(), 1);
  await dora.locator("summary").click();
  assert.equal(await dora.locator("input[name=emails]").inputValue(), "dora@work.local");
  assert.equal(await dora.locator("input[name=groups]").inputValue(), "family");
  await dora.locator("input[name=relation]").fill("sister");
  await pressAnew(dora.locator("button[type=submit]"));
  const { contacts } = await api("GET", "/api/contacts");
  assert(contacts.some((one) => one.name === "Dora" && one.relation === "sister" && one.emails[0] === "dora@work.local"));
  await shot("import");
  await page.keyboard.press("Escape");
});

await check("a contact that cannot be deleted stays and says why, and goes when it can", async () => {
  await page.click("[data-panel=contacts]");
  const dora = page.locator("[data-contact=Dora]");
  await dora.locator("summary").click();
  await whileBusy("**/api/contacts/*", async () => {
    await dora.locator("button", { hasText: "Delete" }).click();
    await dora.locator("[role=alert]", { hasText: BUSY }).waitFor();
  });
  await dora.locator("button", { hasText: "Delete" }).click();
  await dora.waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
});

await check("a sentence becomes a confirmation that shows everything", async () => {
  await page.fill("#say", "Email Bob and Carol that the review moved to Friday 3pm and set up a video meeting for it");
  await page.keyboard.press("Enter");
  const card = page.locator(".prompt.confirmation");
  await card.waitFor();
  const text = await card.innerText();
  for (const part of ["user@test.local", "guest@test.local", "Friday", "3:00 pm", "https://meet.jit.si/"]) {
    assert(text.includes(part), `${part} is not shown:\n${text}`);
  }
  await card.evaluate((node) => Promise.all(node.getAnimations().map((animation) => animation.finished)));
  await shot("confirmation");
});

await check("a reload in the middle brings the question and the conversation back", async () => {
  await page.reload();
  await page.locator(".prompt.confirmation").waitFor();
  await page.locator("#messages .you", { hasText: "Email Bob and Carol" }).waitFor();
});

let receipt;
await check("the yes sends it, and progress reaches 100", async () => {
  await page.click("[data-confirm=all]");
  await page.locator("#task [role=progressbar][aria-valuenow='100']").waitFor();
  receipt = await page.locator("[data-action='email.send_email']").getAttribute("data-message-id");
  assert(receipt?.startsWith("<"), "a Message-ID is shown");
  await page.locator(".prompt").waitFor({ state: "detached" });
  await page.locator("#messages .it", { hasText: "All done" }).waitFor();
  await shot("done");
});

if (maildir) {
  await check("both have the mail once, with the receipt's Message-ID", async () => {
    const got = await until("two mails", () => {
      const mine = mails().filter((mail) => mail.text.includes(`Message-ID: ${receipt}`));
      return mine.length >= 2 ? mine : null;
    });
    assert.equal(got.length, 2);
    assert(got.some((mail) => mail.path.includes("/user/")) && got.some((mail) => mail.path.includes("/guest/")));
  });
}

await check("options, checkboxes and an own action are clicked through", async () => {
  const session = await page.evaluate(() => localStorage.getItem("super-manager.session"));
  const option = (id) => ({ id, name: id.toUpperCase(), value: { name: id } });
  const plan = {
    version: 1,
    title: "A walk",
    stages: [
      { id: "area", type: "clarification", question: "Which area?", answer: "text", suggestions: ["North", "South"] },
      { id: "place", type: "selection", question: "Which place in {{ area }}?", options: [option("hill"), option("lake")] },
      { id: "who", type: "multi_select", question: "Who comes?", min: 2, max: 3, options: ["ann", "bob", "carol", "dora"].map(option) },
      { id: "event", type: "execution", action: "calendar.schedule_event", params: { title: "Walk at {{ place.name }} with {{ who | length }}", starts_at: "2031-05-05T10:00" } },
    ],
  };
  await api("POST", "/api/tasks", { plan, session_id: session });
  await page.locator(".prompt.clarification [data-option='2']").click();
  await page.locator(".prompt.selection", { hasText: "South" }).waitFor();
  await shot("options");
  await page.locator(".prompt.selection [data-option=lake]").click();
  const many = page.locator(".prompt.multi_select");
  await many.waitFor();
  assert(await many.locator("button[type=submit]").isDisabled(), "one is too few");
  for (const id of ["bob", "carol", "dora"]) await many.locator(`input[value=${id}]`).check();
  await shot("checkboxes");
  await many.locator("button[type=submit]").click();
  await page.locator("#task [role=progressbar][aria-valuenow='100']").waitFor();
  await page.locator("#task", { hasText: "Walk at lake with 3" }).waitFor();
});

await check("the own action is taken back with Undo", async () => {
  await page.locator("#task button", { hasText: "Undo" }).click();
  await page.locator("#task .receipts", { hasText: "undone" }).waitFor();
});

await check("hidden characters of an argument are shown", async () => {
  const session = await page.evaluate(() => localStorage.getItem("super-manager.session"));
  const plan = {
    version: 1,
    title: "Hidden",
    stages: [{ id: "m", type: "execution", action: "email.send_email", params: { to: ["user@test.local"], subject: "a\u202Eb\u200Bc", body: "x" } }],
  };
  await api("POST", "/api/tasks", { plan, session_id: session });
  const card = page.locator(".prompt.confirmation");
  await card.waitFor();
  assert((await card.innerText()).includes("a⟨U+202E⟩b⟨U+200B⟩c"));
  await card.locator("button", { hasText: "Cancel" }).click();
  await page.locator("#messages .it", { hasText: "Cancelled" }).waitFor();
});

await check("what is doubtful about an act stands above its arguments, as text", async () => {
  const session = await page.evaluate(() => localStorage.getItem("super-manager.session"));
  const note = '"eve\u202E@evil.test" is not from you: <b>look</b>\nDone';
  await page.route("**/api/prompts", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    for (const prompt of body.prompts) for (const action of prompt.pending_actions ?? []) action.notes = [note];
    await route.fulfill({ response: answer, json: body });
  });
  const plan = {
    version: 1,
    title: "Doubt",
    stages: [{ id: "m", type: "execution", action: "email.send_email", params: { to: ["eve@evil.test"], subject: "s", body: "x" } }],
  };
  await api("POST", "/api/tasks", { plan, session_id: session });
  const notes = page.locator(".prompt.confirmation .notes");
  await notes.waitFor();
  assert((await notes.innerText()).includes('"eve⟨U+202E⟩@evil.test" is not from you: <b>look</b>⟨U+000A⟩Done'));
  assert.equal(await notes.locator("[aria-label=Warning]").count(), 1);
  assert.equal(await notes.locator("b").count(), 0, "it is no markup");
  assert(await notes.evaluate((node) => Boolean(node.compareDocumentPosition(node.parentElement.querySelector("dl")) & Node.DOCUMENT_POSITION_FOLLOWING)), "the arguments follow");
  await shot("doubt");
  await page.unroute("**/api/prompts");
  await page.locator(".prompt.confirmation button", { hasText: "Cancel" }).click();
  await page.locator(".prompt").waitFor({ state: "detached" });
});

await check("a photo is attached, taken off, and sent along", async () => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const file = { name: "menu.png", mimeType: "image/png", buffer: png };
  await page.setInputFiles("#photo", file);
  await page.locator("#attached", { hasText: "menu.png" }).waitFor();
  await page.click("#detach");
  await page.locator("#attached").waitFor({ state: "hidden" });
  await page.setInputFiles("#photo", file);
  const kept = page.waitForResponse((answer) => answer.url().endsWith("/api/photos") && answer.status() === 201);
  const asked = page.waitForRequest((request) => request.url().endsWith("/api/agent/process"));
  await page.fill("#say", "What shall I eat?");
  await shot("photo");
  await page.keyboard.press("Enter");
  const { photo_id: id } = await (await kept).json();
  assert.deepEqual((await asked).postDataJSON().photos, [id]);
  await page.locator("#messages .you", { hasText: "menu.png" }).waitFor();
  await page.locator("#attached").waitFor({ state: "hidden" });
  await page.locator("#messages .you:has-text('menu.png') ~ .it").waitFor();
});

await check("a reply grows while it is made, and the final one takes its place", async () => {
  let socket;
  await page.routeWebSocket(/\/ws\//, (own) => {
    own.connectToServer();
    socket = own;
  });
  await page.reload();
  await page.locator("#link", { hasText: "live" }).waitFor();
  const session = await page.evaluate(() => localStorage.getItem("super-manager.session"));
  // A task that there is: the page looks at the one whose reply it is told.
  const task = (await api("GET", "/api/tasks/?limit=1")).tasks[0].id;
  const tell = (type, data) => socket.send(JSON.stringify({ type, data: { session_id: session, ...data }, task_id: task, seq: type === "ai_streaming" ? 1 : 1e9 }));
  const growing = page.locator(`#messages [data-growing="${task}"]`);
  tell("ai_streaming", { chunk: "Once <b>upon</b>" });
  tell("ai_streaming", { chunk: " a time" });
  await growing.filter({ hasText: "Once <b>upon</b> a time" }).waitFor();
  tell("ai_streaming", { chunk: "Twice", replace: true });
  await growing.filter({ hasText: /^Twice$/ }).waitFor();
  await shot("growing");
  tell("message", { text: "Twice, and that is all" });
  await page.locator("#messages .it:not(.growing)", { hasText: "Twice, and that is all" }).waitFor();
  assert.equal(await growing.count(), 0);
  // The log goes on where it is.
  await page.reload();
  await page.locator("#link", { hasText: "live" }).waitFor();
});

await check("it works on a phone and in the dark", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: "dark" });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert(!wide, "nothing runs out of the screen");
  await shot("phone-dark");
});

await check("settings keep where notices go, and make codes", async () => {
  await page.click("[data-panel=settings]");
  const panel = page.locator("#panel");
  await panel.locator("#notify_on").selectOption("telegram");
  const before = (await api("GET", "/api/settings")).remote_ai;
  assert((await panel.innerText()).includes("Off: only the built-in planner and local models."));
  await panel.locator("#remote_ai").setChecked(!before);
  await pressAnew(panel.locator("button", { hasText: "Save" }));
  const settings = await api("GET", "/api/settings");
  assert.deepEqual([settings.notify_on, settings.remote_ai], ["telegram", !before]);
  for (const [button, words] of [["Link another way", "for yourself"], ["Invite somebody", "for a new person"]]) {
    await panel.locator("button", { hasText: button }).click();
    const made = panel.locator("[role=status]", { hasText: words });
    await made.waitFor();
    assert.match(await made.innerText(), /\/start [0-9a-f]{20}/);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert(!wide, "a code does not run out of the screen");
  await shot("settings");
  await panel.locator("button.close").click();
});

if (process.env.MCP_WORDS) {
  await check("a tool that changed is shown with what changed, and the owner allows it", async () => {
    const settings = async () => {
      await page.click("[data-panel=settings]");
      return page.locator("#panel");
    };
    const state = async () => (await api("GET", "/api/mcp/tools")).tools[0]?.status;
    const becomes = async (wanted) => {
      const end = Date.now() + 20000;
      while ((await state()) !== wanted) {
        assert(Date.now() < end, `the tool never was ${wanted}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await becomes("allowed");
    writeFileSync(process.env.MCP_WORDS, "Greets you, and <b>reads</b> your\u202E mail");
    await becomes("changed");
    const panel = await settings();
    const tool = panel.locator("[data-tool='mcp.words.greet']");
    await tool.locator("summary").click();
    const text = await tool.innerText();
    for (const part of ["As it was allowed", "Greets you", "As it is now", "<b>reads</b> your⟨U+202E⟩ mail"]) {
      assert(text.includes(part), `${part} is not shown:\n${text}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    assert(!wide, "what a tool says does not run out of the screen");
    await shot("tools");
    await tool.locator("button", { hasText: "Allow" }).click();
    await tool.waitFor({ state: "detached" });
    assert.equal(await state(), "allowed");
    await panel.locator("button.close").click();
  });
}

await check("signing out ends it, or says why not", async () => {
  await page.click("[data-panel=settings]");
  const out = page.locator("#panel button", { hasText: "Sign out" });
  await whileBusy("**/api/session", async () => {
    await out.click();
    await page.locator("#toasts", { hasText: BUSY }).waitFor();
  });
  await out.click();
  await page.waitForURL("**/login");
  await page.goto(`${base}/`);
  await page.waitForURL("**/login");
});

await check("the page complained of nothing", async () => {
  assert.deepEqual(complaints, []);
});

await browser.close();
console.log(`${passed} passed, 0 failed`);

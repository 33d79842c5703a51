// Signing in, and asking in words.
"use strict";

const tell = (text) => {
  document.getElementById("told").textContent = text;
};

const post = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { ok: answer.ok, status: answer.status, body: await answer.json() };
};

const words = (body) => (Array.isArray(body.detail) ? body.detail.map((fault) => fault.msg).join("; ") : body.detail);

const login = document.getElementById("login");
if (login) {
  const secret = document.getElementById("secret");
  secret.value = new URLSearchParams(location.search).get("code") || "";
  login.addEventListener("submit", async (event) => {
    event.preventDefault();
    const kind = secret.value.startsWith("sm_") ? "token" : "code";
    const answer = await post("/api/session", { [kind]: secret.value.trim() });
    if (answer.ok) location.assign("/");
    else tell(words(answer.body));
  });
}

const ask = document.getElementById("ask");
if (ask) {
  const session = crypto.randomUUID();
  ask.addEventListener("submit", async (event) => {
    event.preventDefault();
    const message = document.getElementById("message").value;
    const answer = await post("/api/agent/process", { message, session_id: session });
    if (answer.status === 401) location.assign("/login");
    else tell(answer.ok ? answer.body.response : words(answer.body));
  });
}

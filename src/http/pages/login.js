// The sign-in page: takes the code out of the link, and posts it only when the button is pressed.
const field = (id) => document.getElementById(id);

field("code").value = new URLSearchParams(location.search).get("code") ?? "";

field("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = field("token").value.trim();
  const code = field("code").value.trim();
  const name = field("name").value.trim();
  const body = token ? { token } : { code, ...(name ? { name } : {}) };
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (answer?.ok) {
    location.replace("/");
    return;
  }
  const problem = answer ? await answer.json().catch(() => ({})) : {};
  const wait = answer?.headers.get("retry-after");
  field("wrong").textContent = !answer
    ? "The service cannot be reached."
    : wait
      ? `Too many attempts. Try again in ${Math.ceil(Number(wait) / 60)} minutes.`
      : typeof problem.detail === "string"
        ? problem.detail
        : "That did not work.";
});

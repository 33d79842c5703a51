// The service's API, and the socket that tells what happens.

export class Problem extends Error {
  constructor(status, body) {
    const detail = body?.detail;
    super(
      typeof detail === "string"
        ? detail
        : Array.isArray(detail)
          ? detail.map((fault) => fault.msg).join("\n")
          : `The service answered ${status}.`,
    );
    this.status = status;
  }
}

let leaving = false;

/** Leads to the sign-in page, once: a second navigation would break off the first. */
export function leave() {
  if (leaving) return;
  leaving = true;
  location.replace("/login");
}

/** Calls the API, with JSON or with a file of a kind; a session that has ended leads to the sign-in page. */
export async function call(method, path, body, kind = "application/json") {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": kind },
    body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
  }).catch(() => {
    throw new Problem(0, { detail: "The service cannot be reached. Nothing was sent." });
  });
  if (answer.status === 401) {
    leave();
    throw new Problem(401, { detail: "You are signed out." });
  }
  const text = await answer.text();
  const data = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Problem(answer.status, data);
  return data;
}

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15000;
const PING_MS = 30000;

/** Follows a person's frames from a place on, through lost connections, each frame once. */
export function follow(userId, after, onFrame, onState) {
  let last = after;
  let pause = PAUSE_MS_MIN;
  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/${encodeURIComponent(userId)}?after=${last}`);
    const ping = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, PING_MS);
    socket.onopen = () => {
      pause = PAUSE_MS_MIN;
      onState("live");
    };
    socket.onmessage = (message) => {
      const frame = JSON.parse(message.data);
      // A reply that is being made has no place of its own.
      if (typeof frame.seq === "number" && frame.seq > 0 && frame.type !== "ai_streaming") {
        if (frame.seq <= last) return;
        last = frame.seq;
      }
      onFrame(frame);
    };
    socket.onclose = () => {
      clearInterval(ping);
      onState("reconnecting…");
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, PAUSE_MS_MAX);
    };
  };
  connect();
}

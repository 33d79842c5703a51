// Renders /api/openapi.json as a list of operations, by tag. Text only goes in as text.
"use strict";

const make = (name, text, className) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
};

const operation = (method, path, spec) => {
  const details = make("details");
  const summary = make("summary");
  summary.append(make("span", method, "method"), make("code", path), " ", spec.summary || spec.description || "");
  details.append(summary);
  const parameters = spec.parameters || [];
  if (parameters.length) {
    const list = make("ul");
    for (const parameter of parameters) {
      const item = make("li");
      const needed = parameter.required ? ", required" : "";
      item.append(make("code", parameter.name), ` (${parameter.in}${needed}) ${parameter.description || ""}`);
      list.append(item);
    }
    details.append(list);
  }
  for (const content of Object.values(spec.requestBody?.content || {})) {
    if (content.example) details.append(make("pre", JSON.stringify(content.example, null, 2)));
  }
  const answers = make("ul");
  for (const [status, answer] of Object.entries(spec.responses || {})) {
    const item = make("li");
    item.append(make("code", status), ` ${answer.description || ""}`);
    answers.append(item);
  }
  details.append(answers);
  return details;
};

const show = (documentation) => {
  const about = document.getElementById("about");
  about.textContent = `${documentation.info.title} ${documentation.info.version}. ${documentation.info.description || ""}`;
  const groups = new Map();
  for (const [path, methods] of Object.entries(documentation.paths)) {
    for (const [method, spec] of Object.entries(methods)) {
      if (!spec.responses) continue;
      const tag = spec.tags?.[0] || "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method, path, spec));
    }
  }
  const target = document.getElementById("operations");
  for (const [tag, operations] of groups) target.append(make("h2", tag), ...operations);
};

fetch("/api/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch(() => {
    document.getElementById("about").textContent = "The document could not be read.";
  });

// Shows what the server says, and tells it what the person did. Everything from a machine is put in as text.
"use strict";

const at = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
};

let seen = { machines: 0, problems: [], play: null };
let shown = 0;
let zoom = 0;

// Requests go one after the other: what is shown is always what the last one made of things.
let last = Promise.resolve();
const ask = (path, body, raw) => {
  last = last.then(async () => {
    const how = raw === undefined ? JSON.stringify(body) : raw;
    const answer = await fetch(path, body === undefined && raw === undefined ? {} : {
      method: "POST", headers: { "content-type": "application/json" }, body: how,
    });
    const told = await answer.json();
    if (told.error) { say(told.error); return; }
    await show(told);
  }).catch((error) => say(`The server does not answer: ${error.message}`));
  return last;
};

const say = (text) => { at("said").textContent = text; };

const time = (nanos) => {
  const seconds = nanos / 1e9;
  if (seconds < 60) return `${Number(seconds.toFixed(3))} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Number((seconds - minutes * 60).toFixed(1));
  if (minutes < 60) return `${minutes} min ${rest} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

const show = async (told) => {
  seen = told;
  showProblems(told.problems);
  const play = told.play;
  document.querySelector("main").hidden = !play;
  document.querySelector("footer").hidden = !play;
  if (!play) { at("name").textContent = "No machine"; return; }
  document.title = play.name;
  at("name").textContent = play.name;
  at("version").textContent = play.version ?? "";
  at("configuration").replaceChildren(...play.configuration.map((name) => make("li", {}, String(name))));
  if (shown !== told.machines) {
    shown = told.machines;
    await fetchChart();
  }
  mark(play);
  showEvents(play);
  showGuards(play);
  showClock(play);
  at("context").replaceChildren(tree(play.context));
  showStep(play.step);
  showHistory(play);
  const step = play.step;
  say(step.error ?? `${step.event ?? "started"}: ${play.configuration.join(", ")}${play.done ? ", done" : ""}`);
};

const showProblems = (problems) => {
  at("problems").hidden = problems.length === 0;
  at("problems").querySelector("ul").replaceChildren(...problems.map((problem) => make("li", {},
    make("strong", { className: problem.severity === "error" ? "error" : "quiet" }, problem.severity),
    make("code", {}, problem.at || "/"),
    make("span", {}, `${problem.message} (${problem.code})`))));
};

// The chart

const fetchChart = async () => {
  const text = await (await fetch("chart.svg")).text();
  const chart = at("chart");
  if (!text) { chart.replaceChildren(make("p", { className: "quiet" }, "This machine is too large to be drawn.")); return; }
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  chart.replaceChildren(document.adoptNode(svg));
  fit();
};

const fit = () => {
  const svg = at("chart").querySelector("svg");
  if (!svg) return;
  const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
  const room = at("chart");
  const whole = Math.min((room.clientWidth - 32) / w, (room.clientHeight - 32) / h, 1.3);
  // Rather scroll than read with a lens.
  const factor = zoom || Math.max(whole, Math.min(0.75, (room.clientWidth - 32) / w), 0.3);
  svg.setAttribute("width", w * factor);
  svg.setAttribute("height", h * factor);
  return factor;
};

const mark = (play) => {
  const active = new Set(play.active);
  const enabled = new Set(play.events.filter((each) => each.enabled).map((each) => String(each.event)));
  for (const state of at("chart").querySelectorAll(".state")) {
    state.classList.toggle("active", active.has(state.dataset.at));
  }
  for (const transition of at("chart").querySelectorAll(".transition[data-event]")) {
    const source = transition.dataset.at.replace(/\/transitions\/\d+$/, "");
    transition.classList.toggle("ready", active.has(source) && enabled.has(transition.dataset.event));
  }
  const leaf = [...at("chart").querySelectorAll(".state.active")].pop();
  leaf?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
};

// The panels

const showEvents = (play) => {
  const focused = document.activeElement?.dataset?.event;
  at("events").replaceChildren(...play.events.map(({ event, enabled }) => {
    const button = make("button", { type: "button", className: enabled ? "enabled" : "" }, String(event));
    button.dataset.event = JSON.stringify(event);
    if (!enabled) button.title = "Leads nowhere now";
    button.setAttribute("aria-description", enabled ? "enabled" : "leads nowhere now");
    return button;
  }));
  if (play.events.length === 0) at("events").append(make("span", { className: "quiet" }, "The machine knows no events."));
  // Who works with the keyboard stays where they are.
  if (focused) [...at("events").children].find((button) => button.dataset.event === focused)?.focus();
};

const fire = (event) => {
  const text = at("data").value.trim();
  let data = null;
  at("data-error").textContent = "";
  try {
    if (text) data = JSON.parse(text);
  } catch (error) {
    at("data-error").textContent = `Not JSON: ${error.message}`;
    at("with-data").open = true;
    return;
  }
  ask("fire", { event, data });
};

const showGuards = (play) => {
  at("guards-section").hidden = play.guards.length === 0;
  const focused = document.activeElement?.dataset?.guard;
  at("guards").replaceChildren(...play.guards.map(({ name, yes }) => {
    const input = make("input", { type: "checkbox", checked: yes });
    input.setAttribute("role", "switch");
    input.dataset.guard = name;
    return make("label", {}, input, make("span", {}, name), make("output", {}, yes ? "yes" : "no"));
  }));
  if (focused) at("guards").querySelectorAll("input").forEach((input) => { if (input.dataset.guard === focused) input.focus(); });
};

const showClock = (play) => {
  at("now").textContent = time(play.now);
  at("timers").replaceChildren(...play.timers.map((timer) => make("li", {},
    make("span", {}, String(timer.event)), make("code", {}, timer.state ?? timer.id),
    make("span", { className: "end" }, `in ${time(timer.left)}`))));
  if (play.timers.length === 0) at("timers").append(make("li", { className: "quiet" }, "No timers"));
  at("next-timer").disabled = play.timers.length === 0;
  at("started").replaceChildren(...play.started.map((start) => {
    const ends = [["done", start.onDone], ["failed", start.onError]].filter(([, event]) => event !== "");
    const buttons = ends.map(([word, event]) => {
      const button = make("button", { type: "button" }, word);
      button.dataset.event = JSON.stringify(event);
      return button;
    });
    return make("li", {}, make("span", {}, start.src), make("code", {}, "running"),
      make("span", { className: "end" }, ...buttons));
  }));
};

const tree = (value, key, depth = 0) => {
  const label = key === undefined ? [] : [make("span", { className: "key" }, key), ": "];
  if (value === null || typeof value !== "object") {
    return make("div", { className: "leaf" }, ...label, JSON.stringify(value));
  }
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  const node = make("details", { open: depth < 2 }, make("summary", {}, ...label, make("span", { className: "quiet" }, size)));
  // What is inside is made when it is looked at: a context can be large.
  const fill = () => {
    if (!node.open || node.childElementCount > 1) return;
    node.append(...entries.slice(0, 500).map(([key, inner]) => tree(inner, key, depth + 1)));
    if (entries.length > 500) node.append(make("div", { className: "leaf quiet" }, `and ${entries.length - 500} more`));
  };
  node.addEventListener("toggle", fill);
  fill();
  return node;
};

const showStep = (step) => {
  at("step-error").hidden = !step.error;
  at("step-error").textContent = step.error ?? "";
  const effects = step.effects.map((effect) => {
    const value = effect.value === null || (typeof effect.value === "object" && Object.keys(effect.value).length === 0);
    return make("li", {}, make("span", {}, effect.name ?? ""), make("code", {}, value ? "" : JSON.stringify(effect.value)));
  });
  if (step.effectsLeftOut) effects.push(make("li", { className: "quiet" }, `and ${step.effectsLeftOut} more`));
  if (effects.length === 0) effects.push(make("li", { className: "quiet" }, "None"));
  at("effects").replaceChildren(...effects);
  const trace = step.trace ?? {};
  const rows = [
    ["event", step.event === null ? "start" : String(step.event)],
    ["data", step.data === null ? "" : JSON.stringify(step.data)],
    ["matched at", step.error ? "" : trace.matchedAt],
    ["guards", trace.guardsEvaluated?.join(", ")],
    ["left", trace.exitedStates?.join(", ")],
    ["entered", trace.enteredStates?.join(", ")],
    ["assigns", trace.assignsApplied?.join(", ")],
    ["microsteps", trace.microsteps?.join(", ")],
  ];
  at("trace").replaceChildren(...rows.filter(([, text]) => text).flatMap(([key, text]) => [make("dt", {}, key), make("dd", {}, text)]));
};

const showHistory = (play) => {
  at("back").disabled = play.at === 0;
  at("forth").disabled = play.at + 1 >= play.moments.length;
  const focused = at("history").contains(document.activeElement);
  at("history").replaceChildren(...play.moments.map((moment, number) => {
    const name = moment.event === null ? "start" : `${moment.byClock ? "⏱ " : ""}${moment.event}`;
    const button = make("button", { type: "button", className: moment.failed ? "failed" : "" },
      make("span", {}, name), make("span", { className: "quiet" }, moment.configuration.join(", ")));
    button.dataset.go = number;
    if (number === play.at) button.setAttribute("aria-current", "step");
    return make("li", { className: number > play.at ? "later" : "" }, button);
  }));
  const current = at("history").querySelector("[aria-current]");
  current?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  if (focused) current?.focus();
};

// What the person does

const go = (by) => {
  const to = seen.play ? seen.play.at + by : -1;
  if (to >= 0 && to < seen.play.moments.length) ask("go", { to });
};

const load = async (text) => {
  await ask("load", undefined, text);
  const refused = seen.problems.some((problem) => problem.severity === "error");
  say(refused ? "The machine was refused; the problems are listed." : `Loaded ${seen.play?.name}`);
};

document.addEventListener("click", (click) => {
  const button = click.target.closest("button");
  if (button?.dataset.event) fire(JSON.parse(button.dataset.event));
  else if (button?.dataset.go) ask("go", { to: Number(button.dataset.go) });
  else if (button?.dataset.advance) ask("advance", { nanos: Number(button.dataset.advance) });
  else if (button?.dataset.zoom) { zoom = Number(button.dataset.zoom) && fit() * Number(button.dataset.zoom); fit(); }
  else if (button && "close" in button.dataset) button.closest("dialog").close();
  const transition = click.target.closest?.(".transition.ready");
  const known = transition && seen.play.events.find((each) => String(each.event) === transition.dataset.event);
  if (known) fire(known.event);
});
at("guards").addEventListener("change", (change) => ask("guard", { name: change.target.dataset.guard, yes: change.target.checked }));
at("next-timer").addEventListener("click", () => ask("advance", { nanos: null }));
at("back").addEventListener("click", () => go(-1));
at("forth").addEventListener("click", () => go(1));
at("open-load").addEventListener("click", () => at("load").showModal());
at("do-load").addEventListener("click", () => { at("load").close(); load(at("document").value); });
at("file").addEventListener("change", async () => { at("document").value = await at("file").files[0]?.text() ?? ""; });
at("restart").addEventListener("click", () => {
  at("begin-context").value = JSON.stringify(seen.play?.context ?? {}, null, 2);
  at("begin-error").textContent = "";
  at("begin").showModal();
});
at("do-begin").addEventListener("click", () => {
  try {
    const context = JSON.parse(at("begin-context").value || "{}");
    at("begin").close();
    ask("restart", { context });
  } catch (error) {
    at("begin-error").textContent = `Not JSON: ${error.message}`;
  }
});
document.addEventListener("keydown", (key) => {
  if (key.target.matches("textarea, input") || key.ctrlKey || key.metaKey || key.altKey) return;
  if (key.key === "[") go(-1);
  if (key.key === "]") go(1);
});
document.addEventListener("dragover", (drag) => { drag.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
document.addEventListener("drop", async (drop) => {
  drop.preventDefault();
  document.body.classList.remove("dropping");
  const file = drop.dataTransfer.files[0];
  if (file) load(await file.text());
});
window.addEventListener("resize", fit);

let ticked = performance.now();
setInterval(() => {
  const now = performance.now();
  const passed = now - ticked;
  ticked = now;
  if (at("real-time").checked && seen.play?.timers.length) ask("advance", { nanos: Math.round(passed * 1e6) });
}, 250);

ask("state");

// The page of the sandbox: it asks the control API once a second, shows what came, and has a button for each change.
//
// What requests say is only ever set as text. The policy that the page is served with refuses anything else.

const CONTROL = "/_sandbox";
const PAUSE_MS = 1000;
const SHOWN_REQUESTS = 200;
const SHOWN_ROWS = 50;
const TOP_UP_CENTS = 10_000;
const TOKENS = /((?:wren_test_)?5a4db0c5-0000-4000-8000-)([0-9a-f]{8})([0-9a-f]{4})|(cnaught_sandbox_(?:live|test)_)[\w.-]+/g;

const PRESETS = [
  ["Lose the next answer", { kind: "reset", when: "after", times: 1 }],
  ["Refuse the next with 429", { kind: "rate_limit", retry_after: 2, times: 1 }],
  ["Fail the next with 503", { kind: "status", status: 503, times: 1 }],
  ["Slow all by 2 s", { kind: "latency", seconds: 2 }],
];

const FIELDS = {
  when: { label: "When", choices: true },
  seconds: { label: "Seconds", type: "number", min: "0", step: "any" },
  size: { label: "Bytes at a time", type: "number", min: "1" },
  status: { label: "Status", type: "number", min: "200", max: "599" },
  retry_after: { label: "Retry-After", type: "text", hint: "seconds, or any text" },
  retry_after_date: { label: "Retry-After as a date", type: "checkbox" },
  location: { label: "Location", type: "text" },
  content_type: { label: "Content type", type: "text", hint: "text/plain" },
  api: { label: "API", choices: true },
  operation: { label: "Operation", type: "text", hint: "any", list: "operations" },
  token: { label: "Token or key", type: "password", hint: "any" },
  nth: { label: "Only the nth", type: "number", min: "1", hint: "all" },
  probability: { label: "Chance, 0 to 1", type: "number", min: "0", max: "1", step: "any", hint: "1" },
  times: { label: "How often", type: "number", min: "0", hint: "every time" },
};

const UNREACHABLE = `The sandbox at ${location.origin} does not answer. This page tries again each second.`;

const at = (id) => document.getElementById(id);
const requests = new Map();
let log = null;
let revision = 0;
let paused = false;
let kinds = [];

// Talking to the control API

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(CONTROL + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.message ?? said.detail ?? said.title ?? `the sandbox answered ${answer.status}`);
  return said;
}

async function change(method, path, body) {
  await after(call(method, path, body), tell);
}

// A refusal stays until the next change, so that it can be read; what is shown is asked for anew either way.
async function after(answer, say) {
  try {
    await answer;
    say("");
  } catch (error) {
    say(error instanceof TypeError ? UNREACHABLE : error.message);
  }
  await refresh().catch(() => tell(UNREACHABLE));
}

const said = (id) => (trouble) => {
  at(id).textContent = masked(trouble);
  at(id).hidden = !trouble;
};
const tell = said("trouble");

// Elements

function masked(value) {
  return String(value ?? "").replace(TOKENS, (_, uuid, middle, end, key) => (key ? `${key}…` : `${uuid.startsWith("wren") ? "wren_test_" : ""}…${end}`));
}

function element(name, content, properties = {}) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  if (content !== undefined) made.textContent = masked(content);
  return made;
}

// A cell says as plain data what it holds: it is made anew only where that has changed, so that nothing moves under
// a finger, and what was opened stays open.
const shownCells = new WeakMap();

function show(id, rows) {
  const body = at(id).tBodies[0];
  const labels = [...at(id).tHead.rows[0].cells].map((cell) => cell.textContent);
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  let place = body.firstElementChild;
  for (const { key, cells } of rows) {
    let row = old.get(String(key));
    old.delete(String(key));
    if (row === undefined) {
      row = element("tr");
      row.dataset.key = key;
      for (const label of labels) row.insertCell().dataset.label = label;
    }
    cells.forEach((cell, index) => fill(row.cells[index], cell));
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
  }
  for (const row of old.values()) row.remove();
  const [count, empty] = [at(`${id}-count`), at(`${id}-empty`)];
  if (count) count.textContent = rows.length ? (rows.length >= SHOWN_ROWS ? `the latest ${rows.length}` : `${rows.length}`) : "";
  if (empty) empty.hidden = rows.length > 0;
}

function fill(cell, given) {
  const content = typeof given === "object" && given !== null ? given : { text: given };
  const wanted = JSON.stringify(content);
  if (shownCells.get(cell) === wanted) return;
  shownCells.set(cell, wanted);
  cell.className = [content.look ?? "", content.buttons ? "buttons-of" : ""].join(" ").trim();
  cell.replaceChildren(...parts(content));
  cell.classList.toggle("nothing", !cell.hasChildNodes());
}

function parts(content) {
  if (content.buttons) return [...(content.choose ? [choice(content.choose)] : []), ...content.buttons.map(button)];
  if (content.list) return content.list.length ? [listed(content.list)] : [];
  if (content.opens) return [opening(content)];
  const text = masked(content.text);
  return text ? [element("span", text)] : [];
}

function button({ label, says, method, path, body }) {
  const made = element("button", label, { type: "button", title: masked(says) });
  made.setAttribute("aria-label", masked(says));
  made.addEventListener("click", () => change(method, path, body));
  return made;
}

function choice({ says, choices, value, path, name }) {
  const made = element("select");
  made.setAttribute("aria-label", masked(says));
  made.append(...choices.map((each) => element("option", each, { value: each, selected: each === value })));
  made.addEventListener("change", () => change("PATCH", path, { [name]: made.value }));
  return made;
}

function listed(lines) {
  const list = element("ul");
  list.append(...lines.map((line) => element("li", line)));
  return list;
}

function opening({ text, opens }) {
  const details = element("details");
  details.append(element("summary", text));
  details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && describe(details, opens));
  return details;
}

async function describe(details, number) {
  try {
    const { operation, body, answer } = await call("GET", `/requests/${number}`);
    for (const [title, value] of [["Operation", operation], ["Sent", body], ["Answered", answer]]) {
      const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      if (value !== null) details.append(element("div", title, { className: "count" }), element("pre", text));
    }
  } catch (error) {
    details.append(element("p", error.message));
  }
}

// Words

const dollars = (cents) => (cents / 100).toLocaleString("en-US", { style: "currency", currency: "USD" });
const day = (time) => time.slice(0, 10);
const hour = (time) => time.slice(11, 19);
const moment = (time) => `${day(time)} ${hour(time)}`;
const long = (text) => ({ text, look: "long" });
const newestFirst = (rows) => rows.sort((a, b) => Date.parse(b.time) - Date.parse(a.time)).slice(0, SHOWN_ROWS);

function inRuns(words) {
  const runs = [];
  for (const word of words) {
    if (runs.at(-1)?.word === word) runs.at(-1).count += 1;
    else runs.push({ word, count: 1 });
  }
  return runs.map(({ word, count }) => (count > 1 ? `${count} × ${word}` : `${word}`)).join(", ");
}

// What is shown

function takeLog(page) {
  if (page.log !== log) requests.clear();
  log = page.log;
  revision = page.revision;
  for (const request of page.requests) requests.set(request.number, request);
  const numbers = [...requests.keys()].sort((a, b) => a - b);
  for (const number of numbers.slice(0, Math.max(0, numbers.length - SHOWN_REQUESTS))) requests.delete(number);
}

function showRequests() {
  const wanted = [...requests.values()].filter((each) => each.changes.length || !at("changing").checked);
  wanted.sort((a, b) => b.number - a.number);
  show("requests", wanted.map((each) => ({ key: each.number, cells: requestCells(each) })));
}

function requestCells(request) {
  return [
    { text: hour(request.at), look: "short" },
    request.api,
    { text: `${request.method} ${request.target}`, opens: request.number, done: request.took_ms !== null, look: "long" },
    status(request),
    { text: request.took_ms === null ? "" : Math.round(request.took_ms), look: "number" },
    { list: request.changes, look: "long" },
  ];
}

function status({ status, took_ms, fault }) {
  const answer = status ?? (took_ms === null ? "in flight" : "no answer");
  const look = status === null ? "odd" : status < 300 ? "good" : status < 500 ? "odd" : "bad";
  return { list: [answer, ...(fault ? [fault] : [])], look: fault ? "odd" : look };
}

function showOrders(state) {
  const wren = state.wren.orders.map((order) => ({ key: `wren/${order.id}`, time: order.at, cells: wrenOrder(order) }));
  const cnaught = ["production", "sandbox"].flatMap((mode) =>
    state.cnaught[mode].orders.map((order) => ({
      key: `cnaught/${order.id}`,
      time: order.created_on,
      cells: cnaughtOrder(order, mode),
    })),
  );
  show("orders", newestFirst([...wren, ...cnaught]));
}

function wrenOrder(order) {
  const amount = order.tons !== null ? `${order.tons} t` : order.trees !== null ? `${order.trees} trees` : "";
  const acts = { placed: ["fulfil", "refund"], fulfilled: ["refund"] }[order.state] ?? [];
  return orderCells("wren", "wren", order.at, order.id, amount, order.cents, order.state, order.note, acts);
}

function cnaughtOrder(order, mode) {
  const [api, amount] = [mode === "sandbox" ? "cnaught (test)" : "cnaught", `${order.amount_kg} kg`];
  const acts = { placed: ["fulfil", "cancel"], fulfilled: ["cancel"] }[order.state] ?? [];
  const said = order.metadata ?? order.description;
  return orderCells("cnaught", api, order.created_on, order.id, amount, order.price_usd_cents, order.state, said, acts);
}

function orderCells(path, api, time, id, amount, cents, state, said, acts) {
  const labels = { fulfil: "Fulfil", refund: "Refund", cancel: "Cancel" };
  const buttons = acts.map((act) => ({
    label: labels[act],
    says: `${labels[act]} order ${id}`,
    method: "POST",
    path: `/${path}/orders/${encodeURIComponent(id)}/${act}`,
  }));
  const look = { placed: "", fulfilled: "good" }[state] ?? "odd";
  const [price, quantity] = [{ text: dollars(cents), look: "number short" }, { text: amount, look: "number short" }];
  return [moment(time), api, long(id), quantity, price, { text: state, look }, long(said), { buttons }];
}

function showSessions(state) {
  const rows = ["production", "sandbox"].flatMap((mode) =>
    state.cnaught[mode].checkout_sessions.map((session) => ({
      key: session.id,
      time: session.created_on,
      cells: [
        moment(session.created_on),
        long(session.id),
        { text: `${session.amount_kg} kg`, look: "number short" },
        { text: dollars(session.price_usd_cents), look: "number short" },
        { text: session.state, look: { open: "", complete: "good" }[session.state] ?? "odd" },
        { buttons: session.state === "open" ? [ending(session.id, "complete", "Pay"), ending(session.id, "expire", "Expire")] : [] },
      ],
    })),
  );
  show("sessions", newestFirst(rows));
}

function ending(id, act, label) {
  const path = `/checkout/${encodeURIComponent(id)}/${act}`;
  return { label, says: `${label} checkout session ${id}`, method: "POST", path };
}

function showNotifications(outbox) {
  const rows = Object.entries({ waiting: "odd", delivered: "good", given_up: "bad" }).flatMap(([standing, look]) =>
    outbox[standing].map((note) => ({
      key: note.id,
      time: note.created_on,
      cells: [
        moment(note.created_on),
        long(note.order_id),
        note.state,
        long(note.url),
        inRuns(note.attempts.map((status) => status ?? "no answer")),
        { text: standing.replace("_", " "), look },
      ],
    })),
  );
  show("notifications", newestFirst(rows));
}

function showWallets(accounts) {
  show("wallets", accounts.map((account, index) => ({ key: index, cells: walletCells(account) })));
}

function walletCells({ token, name, balance_cents, card }) {
  const path = `/wren/accounts/${encodeURIComponent(token)}`;
  const choose = { says: `Card of ${name}, ${token}`, choices: ["fine", "declined", "none"], value: card, path, name: "card" };
  const empty = { label: "Empty", says: `Empty the wallet of ${name}, ${token}`, method: "PATCH", path, body: { balance_cents: 0 } };
  const says = `Top up the wallet of ${name}, ${token}, by ${dollars(TOP_UP_CENTS)}`;
  const fillUp = { label: "+ $100", says, method: "POST", path: `${path}/top-up`, body: { cents: TOP_UP_CENTS } };
  // A test token meets the same canned balance each time: there is nothing to change.
  const canned = token.startsWith("wren_test_");
  return [
    { list: [name, token] },
    { text: dollars(balance_cents), look: "number short" },
    canned ? "" : { choose, buttons: [empty, fillUp] },
  ];
}

function showLedger(accounts) {
  const rows = accounts.flatMap(({ name, token, team, ledger }) =>
    token !== team ? [] : ledger.map((entry) => ({
      key: `${masked(token)}/${entry.id}`,
      time: entry.at,
      cells: [
        moment(entry.at),
        name,
        long(`${entry.kind.replace("_", " ")}${entry.order_group_id === null ? "" : ` for ${entry.order_group_id}`}`),
        { text: dollars(entry.amount_cents), look: entry.amount_cents < 0 ? "number short" : "number short good" },
      ],
    })),
  );
  show("ledger", newestFirst(rows));
}

function showFaults(rules) {
  show("faults", rules.map((rule) => ({ key: rule.id, cells: faultCells(rule) })));
  at("clear-faults").hidden = rules.length === 0;
}

function faultCells(rule) {
  const kind = kinds.find((each) => each.kind === rule.kind) ?? { options: [], when: [] };
  const told = kind.options.filter((name) => name !== "when" && rule[name] !== null && rule[name] !== false);
  const options = told.map((name) => `${FIELDS[name].label.toLowerCase()}: ${rule[name]}`);
  if (kind.when.length > 1) options.unshift(`when: ${rule.when}`);
  const which = ["api", "operation", "token", "nth"].filter((name) => rule[name] !== null);
  const chosen = which.map((name) => (name === "nth" ? `only no. ${rule.nth}` : name === "token" ? "one token" : rule[name]));
  if (rule.probability < 1) chosen.push(`by a chance of ${rule.probability}`);
  const often = rule.times === null ? `${rule.applied}` : `${rule.applied} of ${rule.times}`;
  const off = { label: "Off", says: `Switch off fault ${rule.id}, ${rule.kind}`, method: "DELETE", path: `/faults/${rule.id}` };
  return [
    { list: [rule.kind, ...options], look: "long" },
    { list: chosen.length ? chosen : ["every request"], look: "long" },
    { text: often, look: "number short" },
    { buttons: [off] },
  ];
}

function showClock({ now, stopped }) {
  at("now").textContent = `${day(now)} ${hour(now)} UTC`;
  at("now").dateTime = now;
  at("running").textContent = stopped ? "stopped" : "";
  at("running").className = stopped ? "odd" : "";
  at("stop-clock").textContent = stopped ? "Run" : "Stop";
  at("stop-clock").dataset.stopped = stopped ? now : "";
}

// The form of a fault

function showFields() {
  const form = at("add-fault");
  const kind = kinds.find((each) => each.kind === form.elements.kind.value);
  const before = Object.fromEntries(new FormData(form));
  at("means").textContent = kind.means.replaceAll("`", "");
  const moments = kind.when.length > 1 ? ["when"] : [];
  const names = [...moments, ...kind.options.filter((name) => name !== "when"), ...kind.which];
  at("fields").replaceChildren(...names.map((name) => field(name, kind, before[name])));
}

function field(name, kind, before) {
  const { label, choices, hint, ...properties } = FIELDS[name];
  const wrapper = element("label", label);
  if (choices) {
    const offered = name === "api" ? ["", "wren", "cnaught"] : kind.when;
    const select = element("select", undefined, { name });
    select.append(...offered.map((each) => element("option", each || "both", { value: each, selected: each === before })));
    wrapper.append(select);
    return wrapper;
  }
  const { list, ...plain } = properties;
  const input = element("input", undefined, { name, autocomplete: "off", placeholder: hint ?? "", ...plain });
  if (list) input.setAttribute("list", list);
  if (name === "status" && kind.status) input.placeholder = String(kind.status);
  if (before && plain.type !== "checkbox") input.value = before;
  if (plain.type === "checkbox") wrapper.className = "check";
  wrapper.append(input);
  return wrapper;
}

function ruleOf(form) {
  const rule = {};
  for (const [name, value] of new FormData(form)) {
    if (value === "") continue;
    const type = FIELDS[name]?.type;
    const isNumber = type === "number" || (name === "retry_after" && /^\d+$/.test(value));
    rule[name] = type === "checkbox" ? true : isNumber ? Number(value) : value;
  }
  return rule;
}

async function addFault(event) {
  event.preventDefault();
  await after(call("POST", "/faults", ruleOf(event.target)), said("fault-trouble"));
}

// Asking again and again

let asking = null;

async function ask() {
  let page;
  do {
    const query = `limit=${SHOWN_REQUESTS}&bodies=false`;
    page = await call("GET", log === null ? `/requests?${query}` : `/requests?since=${revision}&${query}`);
    if (log !== null && page.log !== log) page = await call("GET", `/requests?${query}`);
    takeLog(page);
  } while (page.more);
  const [state, rules, clock] = await Promise.all([
    call("GET", `/state?latest=${SHOWN_ROWS}`),
    call("GET", "/faults"),
    call("GET", "/clock"),
  ]);
  showRequests();
  showOrders(state);
  showSessions(state);
  showNotifications(state.cnaught.outbox);
  showWallets(state.wren.accounts);
  showLedger(state.wren.accounts);
  showFaults(rules);
  showClock(clock);
}

async function refresh() {
  // What was asked for before a change may not show it: one more round after the one under way does.
  while (asking) await asking;
  asking = ask().finally(() => (asking = null));
  await asking;
}

async function round() {
  try {
    if (!paused && !document.hidden && !asking) await refresh();
    if (at("trouble").textContent === UNREACHABLE) tell("");
  } catch {
    tell(UNREACHABLE);
  }
  setTimeout(round, PAUSE_MS);
}

async function begin() {
  try {
    const [overview, offered] = await Promise.all([call("GET", "/"), call("GET", "/faults/kinds")]);
    at("wren-url").textContent = overview.wren.base_url;
    at("cnaught-url").textContent = overview.cnaught.base_url;
    kinds = offered.kinds;
    at("add-fault").elements.kind.replaceChildren(...kinds.map(({ kind }) => element("option", kind, { value: kind })));
    at("operations").replaceChildren(...Object.values(offered.operations).flat().map((value) => element("option", undefined, { value })));
    showFields();
    await round();
  } catch {
    tell(UNREACHABLE);
    setTimeout(begin, PAUSE_MS);
  }
}

at("presets").append(
  ...PRESETS.map(([label, body]) => button({ label, says: label, method: "POST", path: "/faults", body })),
);
at("add-fault").elements.kind.addEventListener("change", showFields);
at("add-fault").addEventListener("submit", addFault);
at("clear-faults").addEventListener("click", () => change("DELETE", "/faults"));
at("clear-requests").addEventListener("click", () => change("DELETE", "/requests"));
at("changing").addEventListener("change", showRequests);
at("reset").addEventListener("click", () => {
  if (confirm("Forget everything: orders, wallets, requests, faults, in the state file too?")) change("POST", "/reset");
});
at("pause").addEventListener("click", () => {
  paused = !paused;
  at("pause").textContent = paused ? "Go on" : "Pause";
  at("pause").setAttribute("aria-pressed", String(paused));
});
for (const each of document.querySelectorAll("[data-move]")) {
  each.addEventListener("click", () => change("PUT", "/clock", { move: Number(each.dataset.move) }));
}
at("stop-clock").addEventListener("click", () => {
  const now = at("now").dateTime;
  change("PUT", "/clock", at("stop-clock").dataset.stopped ? { run: true } : { set: now });
});
at("set-clock").addEventListener("submit", (event) => {
  event.preventDefault();
  change("PUT", "/clock", { set: `${event.target.elements.moment.value}Z` });
});
begin();

// Live page of the model caches: asks once a second, changes only what changed.
(() => {
  "use strict";
  const EVERY_MS = 1000;
  const MB = 2 ** 20;
  const HOUR = 3600, GAP = 25; // seconds; a sample is due every ten
  const root = document.getElementById("model-cache");
  if (!root) return;
  const mayOperate = root.dataset.operate === "1";
  const words = JSON.parse(document.getElementById("cache-words").textContent);
  // The word in the person's language, with its places filled.
  const word = (text, values = {}) => (words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const COLUMNS = [
    ["model", (r) => `${r.model}:${r.version}`],
    ["runtime", (r) => r.runtime],
    ["state", (r) => word(r.state)],
    ["memory", (r) => `${(r.bytes / MB).toFixed(1)} MB`, true],
    ["leases", (r) => r.leases, true],
    ["in flight", (r) => r.in_flight, true],
    ["uses", (r) => r.uses, true],
    ["last use", (r) => (r.last_used ? ago(Date.now() / 1000 - r.last_used) : "–"), true],
    ["age", (r) => (r.age_seconds === null ? "–" : ago(r.age_seconds)), true],
    ["load s", (r) => (r.load_seconds === null ? "–" : r.load_seconds.toFixed(2)), true],
    ["pid", (r) => r.pid ?? "–", true],
    ["pinned", (r) => (r.pinned ? word("yes") : "")],
  ];

  let histories = { now: 0, nodes: {} };

  function ago(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < 90) return word("{n} s", { n: s });
    if (s < 5400) return word("{n} min", { n: Math.round(s / 60) });
    return word("{n} h", { n: Math.round(s / 3600) });
  }

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function bar(node) {
    const share = node.budget_bytes ? (100 * node.used_bytes) / node.budget_bytes : 0;
    const outer = element("div", undefined, { class: "cache-bar", role: "img", "aria-label": `${share.toFixed(0)} %` });
    const inner = element("div", undefined, { class: share > 100 * node.high_watermark ? "high" : "" });
    inner.style.width = `${Math.min(100, share)}%`;
    outer.append(inner);
    for (const mark of [node.low_watermark, node.high_watermark]) {
      const line = element("i");
      line.style.left = `${100 * mark}%`;
      outer.append(line);
    }
    return outer;
  }

  function verbs(replica) {
    if (["queued", "reserved", "loading", "warming"].includes(replica.state)) return ["cancel"];
    if (replica.state !== "ready") return [];
    return ["unload", "recycle", replica.pinned ? "unpin" : "pin"];
  }

  // The last hour as a line, with a gap where nothing was told; the scale is the largest value, written beside it.
  function chart(title, samples, value, format) {
    const WIDTH = 360, HEIGHT = 64;
    const made = element("figure", undefined, { class: "cache-chart" });
    const values = samples.map(value);
    const most = Math.max(0, ...values);
    const from = histories.now - HOUR;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 -2 ${WIDTH} ${HEIGHT + 4}`);
    svg.setAttribute("preserveAspectRatio", "none"); // the right edge is now, however wide the card is
    svg.setAttribute("role", "img");
    const now = samples.length ? format(values[values.length - 1]) : "–";
    const caption = word("{title}: {now} (most {most})", { title, now, most: format(most) });
    svg.setAttribute("aria-label", caption);
    const lines = [];
    samples.forEach((s, i) => {
      if (!i || s.at - samples[i - 1].at > GAP) lines.push([]);
      lines.at(-1).push(`${((WIDTH * (s.at - from)) / HOUR).toFixed(1)},${(HEIGHT - (HEIGHT * values[i]) / Math.max(1, most)).toFixed(1)}`);
    });
    for (const points of lines) {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      line.setAttribute("points", points.join(" "));
      svg.append(line);
    }
    made.append(element("figcaption", caption), svg);
    return made;
  }

  function charts(name) {
    const made = element("div", undefined, { class: "cache-charts" });
    const samples = histories.nodes[name] || [];
    // Counters become what was added since the sample before; a restart counts from nothing again.
    const loads = samples.map((s, i) => ({ at: s.at, loads: i && s.loads >= samples[i - 1].loads ? s.loads - samples[i - 1].loads : s.loads * (i > 0) }));
    made.append(chart(word("Memory, last hour"), samples, (s) => s.used, (v) => `${(v / MB).toFixed(0)} MB`));
    made.append(chart(word("Loads per 10 s, last hour"), loads, (s) => s.loads, (v) => `${v}`));
    return made;
  }

  function row(node, replica) {
    const line = element("tr");
    for (const [name, show, number] of COLUMNS) {
      const cell = element("td", show(replica), number ? { class: "number" } : {});
      if (name === "state") {
        cell.className = "cache-state";
        cell.dataset.state = replica.state;
        if (replica.reason) cell.title = replica.reason;
      }
      line.append(cell);
    }
    if (mayOperate) {
      const cell = element("td");
      for (const verb of verbs(replica)) {
        const button = element("button", word(verb), { type: "button" });
        button.addEventListener("click", () => order({ verb, model: replica.model, version: replica.version, node: node.name }));
        cell.append(button);
      }
      line.append(cell);
    }
    return line;
  }

  function card(node) {
    const made = element("article", undefined, { class: "cache-node", "data-node": node.name });
    const head = element("h2", node.name);
    const asked = node.hits + node.misses;
    const rate = asked ? word("{share} % hits", { share: ((100 * node.hits) / asked).toFixed(1) }) : word("no requests yet");
    const queued = node.replicas.filter((r) => r.state === "queued").length;
    const notes = [node.draining ? word("draining") : "", node.shedding ? word("refusing work: memory is nearly full") : ""].filter(Boolean);
    const memory = `${(node.used_bytes / MB).toFixed(0)} / ${(node.budget_bytes / MB).toFixed(0)} MB`;
    const queues = [word("{n} queued", { n: queued }), word("{n} waiting", { n: node.waiting })];
    head.append(element("span", [memory, rate, ...queues, ...notes].join(", ")));
    if (mayOperate) {
      const button = element("button", word(node.draining ? "resume" : "drain"), { type: "button" });
      button.addEventListener("click", () => order({ verb: node.draining ? "resume" : "drain", node: node.name }));
      head.append(button);
    }
    const table = element("table");
    const titles = element("tr");
    for (const [name, , number] of COLUMNS) titles.append(element("th", word(name), number ? { class: "number", scope: "col" } : { scope: "col" }));
    if (mayOperate) titles.append(element("th", "", { scope: "col" }));
    table.append(titles, ...node.replicas.map((replica) => row(node, replica)));
    made.append(head, bar(node), table, charts(node.name));
    for (const failure of node.failures || []) {
      const what = `${failure.model}:${failure.version}`;
      const count = word("failed {n} times", { n: failure.attempts });
      const when = failure.retry_after === null ? word("for good") : word("again in {n} s", { n: Math.ceil(failure.retry_after) });
      made.append(element("p", `${what}: ${count} (${when}): ${failure.detail}`));
    }
    return made;
  }

  function show(nodes) {
    const place = root.querySelector(".cache-nodes");
    // A button that has the focus must not vanish under the keyboard.
    if (place.contains(document.activeElement)) return;
    place.replaceChildren(...(nodes.length ? nodes.map(card) : [element("p", word("No node is alive."))]));
    root.querySelector(".cache-asof time").textContent = new Date().toLocaleTimeString(document.documentElement.lang || undefined);
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(root.dataset.source, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5000) });
      if (answer.ok) show((await answer.json()).nodes);
    } catch {
      // The next round tries again; the time shown says how old the figures are.
    }
  }

  async function look_back() {
    if (document.hidden) return;
    try {
      const answer = await fetch(root.dataset.history, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5000) });
      if (answer.ok) histories = await answer.json();
    } catch {
      // The charts stay as they are until the next round.
    }
  }

  const ASKED_FIRST = {
    unload: "Unload {model}:{version}? Requests under way finish first.",
    cancel: "Cancel the load of {model}:{version}? Whoever waits for it is told so.",
    drain: "Drain {node}? Its models are loaded on other nodes first.",
  };

  async function order(fields) {
    const question = ASKED_FIRST[fields.verb];
    // What has the focus is not drawn anew, and a question that is dismissed leaves the focus where it was.
    document.activeElement?.blur();
    if (question && !window.confirm(word(question, fields))) return;
    const told = root.querySelector(".cache-told");
    told.dataset.bad = "0";
    told.textContent = `${word(fields.verb)}: ${fields.model || fields.node}…`;
    const body = new URLSearchParams(fields);
    const token = root.querySelector("[name=csrfmiddlewaretoken]").value;
    try {
      const answer = await fetch(root.dataset.order, { method: "POST", body, headers: { "X-CSRFToken": token } });
      // A proxy's own answer, or the page to log in at, is no JSON.
      const said = await answer.json().catch(() => null);
      told.dataset.bad = answer.ok && said ? "0" : "1";
      told.textContent = said?.detail ?? `${answer.status} ${answer.statusText}`;
    } catch (error) {
      told.dataset.bad = "1";
      told.textContent = String(error);
    }
    refresh();
  }

  root.querySelector(".cache-load")?.addEventListener("submit", (event) => {
    event.preventDefault();
    order({ verb: "load", model: new FormData(event.target).get("model") });
  });
  show(JSON.parse(document.getElementById("cache-initial").textContent));
  setInterval(refresh, EVERY_MS);
  look_back().then(refresh);
  setInterval(look_back, 10 * EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
})();

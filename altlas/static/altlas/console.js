// Keeps the landing page current without a reload.
(() => {
  "use strict";
  const EVERY_MS = 5000;
  const MB = 2 ** 20;

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function pair(label, value) {
    const row = element("div");
    row.append(element("dt", label), element("dd", value));
    return row;
  }

  function showCard(card) {
    const article = document.querySelector(`[data-card="${CSS.escape(card.name)}"]`);
    if (!article) return;
    const field = (name) => article.querySelector(`[data-field="${name}"]`);
    article.dataset.state = card.state;
    field("state").textContent = card.state_name;
    field("headline").textContent = card.headline.value;
    field("headline-label").textContent = card.headline.label;
    field("reason").textContent = card.reason;
    field("figures").replaceChildren(...card.figures.map((figure) => pair(figure.label, figure.value)));
    const trend = field("trend");
    window.altlasCharts.trend(trend, card.series, trend.dataset.label);
  }

  function panel(name, content, fill) {
    const section = document.querySelector(`[data-panel="${name}"]`);
    if (!section) return;
    section.hidden = content === null || content === undefined;
    if (section.hidden) return;
    const link = section.querySelector("[data-link]");
    if (link && content.link) link.href = content.link;
    fill(section, content);
  }

  function list(section, rows) {
    const place = section.querySelector("[data-list]");
    // A link that has the focus must not vanish under the keyboard.
    if (place.contains(document.activeElement)) return;
    place.replaceChildren(...(rows.length ? rows : [element("li", place.dataset.empty, { class: "empty" })]));
  }

  function alertRow(alert, words) {
    const row = element("li", undefined, { "data-severity": alert.severity });
    const head = element("a", `${alert.title} ${alert.key}`.trim(), { href: alert.link });
    const facts = [alert.severity_name, alert.summary, alert.since, alert.silenced ? words.silenced : ""].filter(Boolean);
    row.append(head, element("span", facts.join(" · ")));
    return row;
  }

  function nodeRow(node, words) {
    const share = node.budget ? Math.min(1, node.used / node.budget) : 0;
    const row = element("li");
    const text = `${(node.used / MB).toFixed(0)} / ${(node.budget / MB).toFixed(0)} MB · ${node.models} ${words.models} · ${node.waiting + node.lane} ${words.waiting}`;
    const meter = element("div", undefined, { class: "altlas-meter", role: "meter", "aria-label": node.name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * share) });
    const level = element("div", undefined, { class: share > 0.9 ? "high" : "" });
    level.style.width = `${100 * share}%`;
    meter.append(level);
    row.append(element("strong", node.name), element("span", text), meter);
    return row;
  }

  function rateRow(rate, words) {
    const value = rate.value === null || rate.value === undefined ? words.none : `${(100 * rate.value).toFixed(1)} %`;
    const row = pair(rate.label, value);
    const place = element("div", undefined, { class: "altlas-trend" });
    window.altlasCharts.trend(place, rate.series, `${rate.label}, ${words.trend}`, (share) => `${(100 * share).toFixed(1)} %`);
    row.append(place);
    return row;
  }

  function show(landing) {
    landing.cards.forEach(showCard);
    panel("alerts", landing.alerts, (section, alerts) => {
      const words = section.querySelector("[data-list]").dataset;
      list(section, alerts.items.map((alert) => alertRow(alert, words)));
    });
    panel("nodes", landing.nodes, (section, nodes) => {
      const words = section.querySelector("[data-list]").dataset;
      list(section, nodes.items.map((node) => nodeRow(node, words)));
    });
    panel("jobs", landing.jobs, (section, jobs) => {
      const words = section.querySelector("[data-list]").dataset;
      section.querySelector("[data-counts]").replaceChildren(...jobs.counts.map((entry) => pair(entry.name, entry.count)));
      list(section, jobs.queues.map((queue) => element("li", `${queue.queue}: ${queue.waiting} ${words.waiting}, ${words.oldest} ${Math.round(queue.oldest_seconds)} s`)));
    });
    panel("rates", landing.rates, (section, rates) => {
      const place = section.querySelector("[data-rates]");
      place.replaceChildren(...rates.map((rate) => rateRow(rate, place.dataset)));
    });
    panel("slow", landing.slow, (section, slow) =>
      list(section, slow.map((entry) => {
        const row = element("li");
        row.append(element("strong", `${entry.seconds.toFixed(2)} s`), element("span", entry.at), element("code", entry.sql));
        return row;
      })),
    );
    panel("summary", landing.summary, (section, summary) => {
      section.querySelector("[data-day]").textContent = summary.day;
      section.querySelector("[data-text]").textContent = summary.text;
    });
    const time = document.querySelector("[data-altlas-asof]");
    if (time) time.textContent = new Date().toLocaleTimeString(document.documentElement.lang || undefined);
  }

  async function refresh(address) {
    // A hidden tab asks nothing; it catches up when it is shown again.
    if (document.hidden) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(EVERY_MS) });
      if (answer.ok) show(await answer.json());
    } catch {
      // The next round tries again; the time shown says how old the figures are.
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const section = document.querySelector("[data-altlas-overview]");
    const initial = document.getElementById("altlas-landing");
    if (!section || !initial) return;
    show(JSON.parse(initial.textContent));
    setInterval(() => refresh(section.dataset.altlasOverview), EVERY_MS);
    document.addEventListener("visibilitychange", () => refresh(section.dataset.altlasOverview));
  });
})();

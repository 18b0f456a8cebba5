// Keeps the landing page's cards current without a reload.
(() => {
  "use strict";
  const EVERY_MS = 5000;

  function figureRow(figure) {
    const row = document.createElement("div");
    for (const [tag, text] of [["dt", figure.label], ["dd", figure.value]]) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  }

  function show(card) {
    const article = document.querySelector(`[data-card="${CSS.escape(card.name)}"]`);
    if (!article) return;
    const field = (name) => article.querySelector(`[data-field="${name}"]`);
    article.dataset.state = card.state;
    field("state").textContent = card.state;
    field("headline").textContent = card.headline.value;
    field("headline-label").textContent = card.headline.label;
    field("reason").textContent = card.reason;
    field("figures").replaceChildren(...card.figures.map(figureRow));
  }

  async function refresh(address) {
    // A hidden tab asks nothing; it catches up when it is shown again.
    if (document.hidden) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(EVERY_MS) });
      if (!answer.ok) return;
      (await answer.json()).cards.forEach(show);
      stamp();
    } catch {
      // The next round tries again; the time shown says how old the figures are.
    }
  }

  function stamp() {
    const time = document.querySelector("[data-altlas-asof]");
    if (time) time.textContent = new Date().toLocaleTimeString(document.documentElement.lang || undefined);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const section = document.querySelector("[data-altlas-overview]");
    if (!section) return;
    stamp();
    setInterval(() => refresh(section.dataset.altlasOverview), EVERY_MS);
    document.addEventListener("visibilitychange", () => refresh(section.dataset.altlasOverview));
  });
})();

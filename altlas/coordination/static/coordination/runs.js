// Follows verification runs: progress every second, the result when one ends; never reloads the page.
(() => {
  "use strict";
  const EVERY_MS = 1000;

  const field = (article, name) => article.querySelector(`[data-field="${name}"]`);

  async function result(article) {
    const answer = await fetch(article.dataset.result, { headers: { Accept: "text/html" } });
    // The server escapes every value in this fragment.
    if (answer.ok) field(article, "result").innerHTML = await answer.text();
  }

  function show(run) {
    const article = document.querySelector(`[data-run="${CSS.escape(run.id)}"]`);
    if (!article) return true;
    const ended = run.over && article.dataset.over !== "1";
    article.dataset.status = run.status;
    article.querySelector("progress").value = run.progress;
    field(article, "status").textContent = run.label;
    field(article, "stage").textContent = run.stage;
    const cancel = article.querySelector("[data-cancel]");
    if (cancel) cancel.hidden = run.over;
    if (ended) {
      article.dataset.over = "1";
      result(article).catch(() => { delete article.dataset.over; });
    }
    return run.over;
  }

  async function poll(section) {
    let over = false;
    if (!document.hidden) {
      try {
        const answer = await fetch(section.dataset.source, { headers: { Accept: "application/json" } });
        if (answer.ok) over = (await answer.json()).runs.map(show).every(Boolean);
      } catch {
        // The next round tries again.
      }
    }
    if (!over) setTimeout(() => poll(section), EVERY_MS);
  }

  async function cancel(button, section) {
    button.disabled = true;
    const token = section.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(button.dataset.cancel, { method: "POST", headers: { "X-CSRFToken": token } });
    if (!answer.ok) button.disabled = false;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const section = document.querySelector(".co-runs");
    if (!section) return;
    section.addEventListener("click", (event) => {
      const button = event.target.closest("[data-cancel]");
      if (button) cancel(button, section);
    });
    poll(section);
  });
})();

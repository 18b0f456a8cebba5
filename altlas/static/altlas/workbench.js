// The workbench: sends the form, follows the run, shows segments and scores.
(() => {
  "use strict";
  const TONES = 6;
  const root = document.getElementById("workbench");
  if (!root) return;
  const labels = JSON.parse(document.getElementById("workbench-labels").textContent);
  const form = root.querySelector("form");
  const told = root.querySelector(".altlas-told");
  const place = root.querySelector(".altlas-result");

  // unfold's script expects a text field beside every file field and fails without; this one shows its file by itself.
  form.elements.file.hasChangeListener = true;

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function say(text, bad = false) {
    told.textContent = text;
    told.dataset.bad = bad ? "1" : "0";
  }

  function fact(label, value) {
    const row = element("div");
    const shown = element("dd");
    shown.append(value);
    row.append(element("dt", label), shown);
    return row;
  }

  function facts(run) {
    const seconds = run.timings.total ?? Object.values(run.timings).reduce((sum, part) => sum + part, 0);
    const parts = Object.entries(run.timings).filter(([name]) => name !== "total").map(([name, part]) => `${name} ${part.toFixed(3)} s`);
    const rows = [
      fact(labels.segments, String(run.segments.length)),
      fact(labels.language, run.language),
      fact(labels.model, run.model || labels.none),
      fact(labels.node, run.node),
      fact(labels.total, `${seconds.toFixed(3)} s (${parts.join(", ")})`),
      fact(labels.run, element("a", run.id, { href: run.run_link })),
      fact(labels.record, run.record_link ? element("a", run.record_id, { href: run.record_link }) : labels.not_kept),
    ];
    root.querySelector(".altlas-facts").replaceChildren(...rows);
    root.querySelector(".altlas-notes").replaceChildren(
      ...(run.warnings || []).map((warning) => element("li", `${labels.warning}: ${warning.detail}`)),
    );
  }

  function segments(run) {
    const spans = run.segments.map((segment) =>
      element("span", segment.text, { class: `altlas-segment tone-${segment.index % TONES}`, title: `${segment.index + 1}: ${labels.score} ${segment.score.toFixed(3)}`, "data-index": segment.index }),
    );
    root.querySelector(".altlas-text").replaceChildren(...spans);
    // Offsets count code points.
    const length = [...run.text].length;
    const marks = run.segments.slice(0, -1).map((segment) => ({
      at: segment.end,
      score: segment.score,
      // One colour per segment helps while they can be told apart.
      tone: run.segments.length > 80 ? 0 : segment.index % TONES,
      label: `${segment.index + 1} → ${segment.index + 2}: ${segment.score.toFixed(3)}`,
    }));
    window.altlasCharts.bars(root.querySelector(".altlas-plot"), marks, length, labels.plot, labels.place);
  }

  function problem(error) {
    place.hidden = true;
    say([error.detail, ...(error.errors || [])].filter(Boolean).join(" "), true);
  }

  async function follow(run) {
    while (run.again) {
      say(run.status === "queued" ? labels.queued : `${labels.working} ${Math.round(100 * run.progress)} %`);
      await new Promise((resolve) => setTimeout(resolve, 500));
      run = await (await fetch(run.again, { headers: { Accept: "application/json" } })).json();
    }
    if (run.error) return problem(run.error);
    say("");
    facts(run);
    segments(run);
    place.hidden = false;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    say(labels.working);
    try {
      const body = new FormData(form);
      if (!form.elements.file.files.length) body.delete("file");
      const answer = await fetch(root.dataset.run, { method: "POST", body, headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value } });
      await follow(await answer.json());
    } catch {
      problem({ detail: labels.failed });
    } finally {
      button.disabled = false;
    }
  });
})();

// Two small charts as SVG: a trend line and bars along a text. Colours come from the style sheet.
window.altlasCharts = (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";

  function shape(tag, attributes, text) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function short(value) {
    for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
      if (Math.abs(value) >= size) return `${(value / (unit === "k" ? 1e3 : size)).toFixed(1)}${unit}`;
    }
    return Number.isInteger(value) ? String(value) : value.toFixed(2);
  }

  // points: [[Unix seconds, value], …], oldest first.
  function trend(place, points, label, show = short) {
    if (points.length < 2) {
      place.replaceChildren();
      return;
    }
    const [width, height, pad] = [240, 44, 4];
    const values = points.map((point) => point[1]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const [from, to] = [points[0][0], points[points.length - 1][0]];
    const x = (time) => pad + ((width - 2 * pad) * (time - from)) / Math.max(1, to - from);
    const y = (value) => (high === low ? height / 2 : height - pad - ((height - 2 * pad) * (value - low)) / (high - low));
    const spoken = `${label}: ${show(low)} – ${show(high)}, ${show(values[values.length - 1])}`;
    const chart = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "altlas-spark", role: "img", "aria-label": spoken, preserveAspectRatio: "none" });
    const line = points.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    chart.append(
      shape("title", {}, spoken),
      shape("polygon", { points: `${x(from)},${height} ${line} ${x(to)},${height}`, class: "area" }),
      shape("polyline", { points: line, class: "line", "vector-effect": "non-scaling-stroke" }),
    );
    place.replaceChildren(chart);
  }

  // bars: [{at, score, tone, label}], at in characters of `length`.
  function bars(place, marks, length, label, axis) {
    const [width, height, left, bottom, top] = [900, 190, 34, 24, 8];
    const x = (at) => left + ((width - left - 8) * at) / Math.max(1, length);
    const y = (score) => top + (height - top - bottom) * (1 - score);
    const chart = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "altlas-bars", role: "img", "aria-label": `${label}: ${marks.length}` });
    for (const score of [0, 0.5, 1]) {
      chart.append(
        shape("line", { x1: left, x2: width - 8, y1: y(score), y2: y(score), class: "grid" }),
        shape("text", { x: left - 6, y: y(score) + 4, "text-anchor": "end" }, String(score)),
      );
    }
    const thick = Math.max(1, Math.min(6, (width - left) / Math.max(1, marks.length) / 2));
    for (const mark of marks) {
      const bar = shape("rect", { x: (x(mark.at) - thick / 2).toFixed(1), width: thick.toFixed(1), y: y(mark.score).toFixed(1), height: Math.max(1, y(0) - y(mark.score)).toFixed(1), class: `bar tone-${mark.tone}` });
      bar.append(shape("title", {}, mark.label));
      chart.append(bar);
    }
    chart.append(
      shape("text", { x: left, y: height - 6 }, "0"),
      shape("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, `${length} (${axis})`),
    );
    place.replaceChildren(chart);
  }

  return { trend, bars, short };
})();

"use strict";
// Moves the threshold: numbers, the dots on the curves and the line in the histogram. All of it is in the page already.
(() => {
  const steps = JSON.parse(document.getElementById("steps").textContent);
  const find = (id) => document.getElementById(id);
  const slider = find("threshold");
  const percent = (share) => (100 * share).toFixed(share === 0 || share >= 0.0995 ? 1 : 2).replace(/^100\.0$/, "100");
  // Wilson's interval for `size` comments that are no copies of each other, as in the table.
  const interval = (value, size) => {
    const z = 1.959963984540054, scale = 1 + z * z / size;
    const middle = (value + z * z / (2 * size)) / scale;
    const half = z * Math.sqrt(value * (1 - value) / size + z * z / (4 * size * size)) / scale;
    return [Math.min(value, Math.max(0, middle - half)), Math.max(value, Math.min(1, middle + half))];
  };
  const tell = (id, part, ham, spam) => {
    const whole = ham + spam, size = ham * steps.worth[0] + spam * steps.worth[1];
    const [low, high] = whole ? interval(part / whole, size) : [];
    find(id).textContent = whole ? percent(part / whole) + " %" : "–";
    find(id + "-range").textContent = whole ? `${percent(low)}–${percent(high)}` : "";
  };
  // The plots' own places: see svg.rs.
  const x = (share) => 46 + share * 302, y = (share) => 244 - share * 230;
  const move = (id, across, up) => {
    const dot = find(id);
    if (dot && Number.isFinite(across) && Number.isFinite(up)) {
      dot.setAttribute("cx", x(across));
      dot.setAttribute("cy", y(up));
    }
  };
  const show = () => {
    const at = Number(slider.value), threshold = steps.thresholds[at];
    const ham = steps.ham[at], spam = steps.spam[at];
    find("at").textContent = threshold.toFixed(threshold < 0.1 || threshold > 0.9 ? 3 : 2);
    tell("caught", spam, 0, steps.spams);
    tell("blocked", ham, steps.hams, 0);
    tell("precision", spam, ham, spam);
    move("roc-now", ham / steps.hams, spam / steps.spams);
    move("pr-now", spam / steps.spams, spam / (spam + ham));
    const line = x((Math.log(threshold / (1 - threshold)) + 7) / 14);
    find("histogram-now").setAttribute("d", `M${line} 14V244`);
  };
  slider.addEventListener("input", show);
  find("explorer").hidden = false;
  find("table").open = false;
  show();
})();

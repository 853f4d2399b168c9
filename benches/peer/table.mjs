// The report as Markdown.

/** What issue 4 asks for: ours ÷ peer, wall and CPU alike; or seconds of wall for each second of film. */
const BARS = {
  moving: { ratio: 0.3 },
  "half-still": { ratio: 0.25 },
  "shader-third": { ratio: 0.62 },
  "moving-30": { realtime: 1 },
};

/** The largest file, ours ÷ peer. */
const SIZE_BAR = 1.15;

export function table(report) {
  const load = report.load.map((number) => number.toFixed(1)).join(", ");
  const rows = report.results.map((result) => row(result));
  return [
    `${report.date}, ${report.machine}, load ${load} before and after each film; ${report.chromium}; ${report.framewright}; ${report.peer}.`,
    `Medians of ${report.rounds}; CPU seconds of ${report.cpu}.`,
    "",
    "| film | who | wall s | CPU s | MB | frames | luma SSIM |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ...report.results.flatMap(({ film, ours, peers }) => [ours, ...peers].map((one) => absolute(film, one))),
    "",
    "| film | wall ÷ peer | CPU ÷ peer | bar | wall ÷ film | bar | MB ÷ peer | bar | SSIM − peer | bar | frame: ours against peer's |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
  ].join("\n");
}

function absolute(film, { who, workers, wall, cpu, bytes, frames, ssim }) {
  const name = who === "ours" ? "framewright" : `peer, ${workers} worker${workers > 1 ? "s" : ""}`;
  return line([film, name, wall.toFixed(2), cpu.toFixed(2), (bytes / 1e6).toFixed(2), frames, ssim?.toFixed(5) ?? ""]);
}

function row({ film, seconds, ours, peer, samePicture }) {
  const { ratio, realtime } = BARS[film] ?? {};
  const over = (what) => (peer ? ours[what] / peer[what] : undefined);
  const against = ratio ? `≤ ${ratio}` : "";
  const closer = ours.ssim && peer?.ssim ? ours.ssim - peer.ssim : undefined;
  return line([
    film,
    judged(over("wall"), ratio),
    judged(over("cpu"), ratio),
    against,
    judged(ours.wall / seconds, realtime),
    realtime ? `≤ ${realtime}` : "",
    judged(over("bytes"), SIZE_BAR),
    `≤ ${SIZE_BAR}`,
    closer === undefined ? "" : `${closer.toFixed(5)}${closer < 0 ? " ✗" : ""}`,
    "≥ 0",
    samePicture?.toFixed(5) ?? "",
  ]);
}

/** With a cross where the bar is missed. */
function judged(value, bar) {
  if (value === undefined) return "";
  return `${value.toFixed(3)}${bar !== undefined && value > bar ? " ✗" : ""}`;
}

function line(cells) {
  return `| ${cells.join(" | ")} |`;
}

// Renders films with framewright and with the peer in turns, and prints Markdown. Started by ./compare.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { counting, measure, stop } from "./measure.mjs";
import { facts, pictures, ssim, ssimOfPictures } from "./quality.mjs";
import { table } from "./table.mjs";

const here = import.meta.dirname;
const home = process.env.PEER_HOME;
const FPS = 30;

const HELP = `compare [OPTION…]

  --films NAME,…     films of benches/films and its variants [default: moving,half-still,shader-third]
  --rounds N         renders of each [default: 3]
  --workers N,…      numbers of workers the peer is tried with; the fastest counts [default: 1,2,3]
  --seconds S        cut \`moving\` and its variants to these, for a trial
  --lanes N          lanes of ours [default: as framewright chooses]
  --binary FILE      framewright [default: target/release/framewright]
  --chromium FILE    browser of both [default: /usr/bin/chromium-headless-shell]
  --no-ssim          leave the comparison with lossless frames away
  --ours-only        leave the peer away
  --json FILE        everything that was measured
`;

const { values: options } = parseArgs({
  options: {
    films: { type: "string", default: "moving,half-still,shader-third" },
    rounds: { type: "string", default: "3" },
    workers: { type: "string", default: "1,2,3" },
    seconds: { type: "string" },
    lanes: { type: "string" },
    binary: { type: "string", default: path.join(here, "../../target/release/framewright") },
    chromium: { type: "string", default: "/usr/bin/chromium-headless-shell" },
    "no-ssim": { type: "boolean" },
    "ours-only": { type: "boolean" },
    json: { type: "string" },
    help: { type: "boolean" },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

const binary = path.resolve(options.binary);
const rounds = Number(options.rounds);
if (!fs.existsSync(binary)) fail(`there is no ${binary}; make it with \`make build\`, or name it with --binary`);
if (await answers(7710)) fail("a service listens on port 7710, and `framewright render` would use it; end it first");

const work = fs.mkdtempSync(path.join(home, "run-"));
process.on("exit", () => {
  stop();
  fs.rmSync(work, { recursive: true, force: true });
});

const films = path.join(work, "films");
execFileSync(path.join(here, "../films/variants"), [films]);
const report = {
  date: new Date().toISOString(),
  machine: `${os.availableParallelism()} cores, ${os.cpus()[0]?.model ?? os.arch()}`,
  chromium: execFileSync(options.chromium, ["--version"], { encoding: "utf8" }).trim(),
  framewright: execFileSync(binary, ["--version"], { encoding: "utf8" }).trim(),
  peer: `hyperframes ${JSON.parse(fs.readFileSync(path.join(home, "node_modules/hyperframes/package.json"))).version}`,
  cpu: counting.what,
  load: [os.loadavg()[0]],
  rounds,
  results: [],
};
for (const name of options.films.split(",")) {
  report.results.push(await compare(name, prepare(name)));
  report.load.push(os.loadavg()[0]);
  // Hours of measuring are not lost with the last film.
  if (options.json) fs.writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}
process.stdout.write(table(report));

/** A film that needs nothing from the network, and is cut if that was asked for. */
function prepare(name) {
  const film = path.join(films, name);
  const page = path.join(film, "index.html");
  if (!fs.existsSync(page)) fail(`there is no film \`${name}\` in benches/films`);
  let html = fs.readFileSync(page, "utf8").replace(/src="https:[^"]*gsap[^"]*"/, 'src="assets/gsap.min.js"');
  if (options.seconds && /^(moving|half-still)/.test(name)) {
    html = html
      .replace(/data-duration="[\d.]+"/, `data-duration="${options.seconds}"`)
      .replace(/data-moves="[\d.]+"/, `data-moves="${options.seconds / 2}"`);
  }
  fs.writeFileSync(page, html);
  fs.copyFileSync(path.join(home, "node_modules/gsap/dist/gsap.min.js"), path.join(film, "assets/gsap.min.js"));
  return { folder: film, seconds: Number(/data-duration="([\d.]+)"/.exec(html)[1]) };
}

async function compare(name, film) {
  const contenders = [{ who: "ours" }];
  if (!options["ours-only"]) {
    contenders.push(...options.workers.split(",").map((workers) => ({ who: "peer", workers: Number(workers) })));
  }
  for (const contender of contenders) {
    contender.runs = [];
    contender.file = path.join(work, `${name}-${contender.who}${contender.workers ?? ""}.mp4`);
  }
  for (let round = 1; round <= rounds; round++) {
    // There and back, so that none is always the one after the others.
    for (const contender of round % 2 ? contenders : contenders.toReversed()) {
      const run = await render(contender, film);
      contender.runs.push(run);
      const who = contender.workers ? `peer with ${contender.workers}` : "framewright";
      say(`${name} ${round}/${rounds}  ${who.padEnd(12)} ${run.wall.toFixed(2)} s, ${run.cpu.toFixed(2)} CPU s`);
    }
  }
  for (const contender of contenders) {
    contender.wall = median(contender.runs.map((run) => run.wall));
    contender.cpu = median(contender.runs.map((run) => run.cpu));
    Object.assign(contender, facts(contender.file));
  }
  const [ours, ...peers] = contenders;
  const peer = peers.toSorted((one, other) => one.wall - other.wall)[0];
  const result = { film: name, seconds: film.seconds, ours, peer, peers };
  if (!options["no-ssim"]) await judge(result, film);
  return result;
}

function render({ who, workers, file }, { folder, seconds }) {
  const command = who === "ours" ? ours(folder, file) : peer(folder, file, workers);
  return measure(command, {
    // Both see the same browser; the peer's reports home stay out of the measurement.
    env: {
      HYPERFRAMES_BROWSER_PATH: options.chromium,
      FRAMEWRIGHT_CHROMIUM: options.chromium,
      DO_NOT_TRACK: "1",
      PATH: `${path.join(home, "node_modules/.bin")}:${process.env.PATH}`,
    },
    cwd: work,
    log: path.join(work, `${who}.log`),
    seconds: 120 + 60 * seconds,
  });
}

/** Through Temporal, all of it started for this render, in a data folder that has nothing to reuse. */
function ours(folder, file) {
  const data = path.join(work, "data");
  fs.rmSync(data, { recursive: true, force: true });
  const lanes = options.lanes ? ["--lanes", options.lanes] : [];
  return [binary, "render", folder, "-o", file, "--quality", "standard", "--data", data, ...lanes];
}

function peer(folder, file, workers, format = []) {
  fs.rmSync(path.join(folder, ".hyperframes"), { recursive: true, force: true });
  const quality = ["--quality", "standard", "--workers", String(workers)];
  return [path.join(home, "node_modules/.bin/hyperframes"), "render", folder, "-o", file, ...quality, ...format];
}

/** Each file against lossless frames of the renderer that made it; and one of these against the other's. */
async function judge(result, film) {
  const { ours: mine, peer: theirs } = result;
  const frames = path.join(work, "frames");
  const limits = { cwd: work, log: path.join(work, "stills.log"), seconds: 600 + 60 * film.seconds };
  const numbers = Array.from({ length: mine.frames }, (_, frame) => frame).join(",");
  say(`${result.film}: lossless frames`);
  const mineFrames = path.join(frames, "ours");
  const stills = ["stills", film.folder, "--frames", numbers, "-o", mineFrames, "--data", path.join(work, "data")];
  await measure([binary, ...stills], { ...limits, env: { FRAMEWRIGHT_CHROMIUM: options.chromium } });
  mine.ssim = ssim(mine.file, mineFrames, FPS);
  if (theirs) {
    const theirFrames = path.join(frames, "peer");
    await measure(peer(film.folder, theirFrames, theirs.workers, ["--format", "png-sequence"]), {
      ...limits,
      env: { HYPERFRAMES_BROWSER_PATH: options.chromium, DO_NOT_TRACK: "1", PATH: `${path.join(home, "node_modules/.bin")}:${process.env.PATH}` },
    });
    theirs.ssim = ssim(theirs.file, theirFrames, FPS);
    const middle = Math.floor(mine.frames / 2);
    result.samePicture = ssimOfPictures(pictures(mineFrames)[middle], pictures(theirFrames)[middle]);
  }
  fs.rmSync(frames, { recursive: true, force: true });
}

function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(message) {
  say(`error: ${message}`);
  process.exit(2);
}

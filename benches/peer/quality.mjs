// What is in a file: frames, and how close its luma is to lossless frames.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const MOST_OUTPUT = 64 << 20;

/** @param {string} file @returns {{ frames: number, bytes: number }} */
export function facts(file) {
  const counted = execFileSync("ffprobe", [
    "-v", "error", "-count_packets", "-select_streams", "v:0",
    "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", file,
  ]);
  return { frames: parseInt(counted, 10), bytes: fs.statSync(file).size };
}

/** Luma SSIM of all frames of a film against a folder of pictures: BT.709, limited range, rounded exactly. */
export function ssim(film, pictures, fps) {
  return compare(["-i", film], sequence(pictures, fps));
}

/** Luma SSIM of one picture against another. */
export function ssimOfPictures(one, other) {
  return compare(["-i", one], ["-i", other]);
}

/** The pictures of a folder, in order. */
export function pictures(folder) {
  const names = fs.readdirSync(folder).filter((name) => name.endsWith(".png"));
  return names.sort().map((name) => path.join(folder, name));
}

function sequence(folder, fps) {
  const [first] = pictures(folder);
  const [, prefix, digits] = /^(.*?)(\d+)\.png$/.exec(path.basename(first));
  const pattern = path.join(folder, `${prefix}%0${digits.length}d.png`);
  return ["-framerate", String(fps), "-start_number", String(Number(digits)), "-i", pattern];
}

function compare(film, reference) {
  const exact = "scale=in_range=auto:out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int+bitexact";
  const luma = (input, name) => `[${input}:v]settb=AVTB,setpts=N,${exact},format=yuv420p[${name}]`;
  const graph = `${luma(0, "film")};${luma(1, "truth")};[film][truth]ssim`;
  const said = execFileSync(
    "sh",
    ["-c", 'exec "$@" 2>&1', "sh", "ffmpeg", "-hide_banner", "-nostats", ...film, ...reference, "-lavfi", graph, "-f", "null", "-"],
    { maxBuffer: MOST_OUTPUT, encoding: "utf8" },
  );
  return Number(/SSIM Y:([\d.]+)/.exec(said)[1]);
}

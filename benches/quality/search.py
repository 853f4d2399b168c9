#!/usr/bin/env python3
"""Searches x264 settings: SSIM, size and CPU on pages of several kinds, against the peer's own.

    search.py pages  [--framewright FILE]   lossless frames of every page, once
    search.py try    'NAME=-preset superfast -crf 17 -x264-params bframes=0' …
    search.py table  [--repeat N]           what docs/quality.md shows

Frames and results are kept in --work. See README.md.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
SIZE = "1920x1080"
FRAMES = 60
FRAME_BYTES = 1920 * 1080 * 3 // 2
# 4:2:0 by swscale's most exact arithmetic: what an encoder is held against.
EXACT = (
    "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
    ":out_color_matrix=bt709:out_range=tv,format=yuv420p"
)
# Page → project and first frame. `photo` is made below, by ffmpeg and ImageMagick.
PAGES = {
    "moving": (REPO / "benches/films/moving", 90),
    "shader": (REPO / "examples/texture-launch", 210),
    "launch": (REPO / "examples/launch", 15),
    "still": (HERE / "pages/still", 15),
    "text": (HERE / "pages/text", 15),
    "photo": (None, 0),
}
# hyperframes 0.8.170, `ENCODER_PRESETS` and the arguments built from them: no B-frames, these parameters.
PEER_AQ = "aq-mode=3:aq-strength=0.8:deblock=1,1"
PEER = {
    "draft": "-preset ultrafast -crf 28 -bf 0 -x264-params aq-mode=3",
    "standard": f"-preset medium -crf 18 -bf 0 -x264-params {PEER_AQ}",
    "high": f"-preset slow -crf 15 -bf 0 -x264-params {PEER_AQ}",
}
# What encoding.rs adds to every quality.
FIXED = (
    "keyint=infinite:min-keyint=3:open-gop=0:stitchable=1:cpu-independent=1"
    ":threads=1:lookahead-threads=1:sliced-threads=0"
)


def run(args, **kwargs):
    return subprocess.run([str(arg) for arg in args], check=True, **kwargs)


def ffmpeg(*args):
    return ["ffmpeg", "-v", "error", "-nostdin", "-y", *args]


def make_photo(out):
    """Clouds of all sizes that a camera passes, and a picture in it that zooms."""
    picture = out.with_suffix(".png")
    run(["convert", "-size", "2400x1350", "-seed", "7", "plasma:grey30-white", "-blur", "0x0.6",
         "-level", "5%,95%", picture])
    pan = (
        f"[0:v]zoompan=z='1.2+0.002*on':x='3.3*on':y='40+1.7*on':d={FRAMES}:s={SIZE}:fps=30[p];"
        f"[p][1:v]overlay=x=1000:y=200,{EXACT}"
    )
    run(ffmpeg("-i", picture, "-f", "lavfi", "-i", "mandelbrot=size=800x600:rate=30:start_scale=0.02:end_scale=0.01",
               "-filter_complex", pan, "-frames:v", FRAMES, "-f", "rawvideo", out))


def make_pages(work, framewright):
    for page, (project, first) in PAGES.items():
        out = work / f"{page}.yuv"
        if out.exists():
            continue
        if project is None:
            make_photo(out)
            continue
        stills = work / page
        numbers = ",".join(str(first + n) for n in range(FRAMES))
        run([framewright, "stills", "--frames", numbers, "-o", stills, project], stdout=subprocess.DEVNULL)
        run(ffmpeg("-start_number", first, "-i", stills / "frame_%06d.png", "-vf", EXACT, "-f", "rawvideo", out))
        for still in stills.iterdir():
            still.unlink()
        stills.rmdir()


def encode(yuv, first, count, settings, out):
    """Encodes some frames and returns the seconds of CPU that it took."""
    start, end = first * FRAME_BYTES, (first + count) * FRAME_BYTES
    args = ffmpeg("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", SIZE, "-framerate", "30",
                  "-i", f"subfile,,start,{start},end,{end},,:{yuv}", "-c:v", "libx264", *settings,
                  "-threads", "1", "-fps_mode", "passthrough", "-f", "h264", out)
    environment = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    child = subprocess.Popen([str(arg) for arg in args], env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"ffmpeg failed: {shlex.join(map(str, args))}")
    return usage.ru_utime + usage.ru_stime


def luma_ssim(yuv, stream):
    args = ["ffmpeg", "-hide_banner", "-nostdin", "-i", stream, "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-video_size", SIZE, "-i", yuv, "-lavfi", "[0:v]extractplanes=y,settb=1/30,setpts=N[a];[1:v]extractplanes=y,settb=1/30,setpts=N[b];[a][b]ssim",
            "-f", "null", "-"]
    said = run(args, capture_output=True, text=True).stderr
    return float(re.search(r"SSIM Y:([0-9.]+)", said).group(1))


def measure(work, page, settings, segment, repeat=1):
    """SSIM of luma, bytes and CPU milliseconds per frame; segments of `segment` frames."""
    kept = work / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    key = f"{page} | {segment} | {repeat} | {settings}"
    if key not in results:
        # Of this run alone: others may search in the same folder.
        yuv, stream = work / f"{page}.yuv", work / f"stream-{os.getpid()}.h264"
        best, data = None, b""
        for _ in range(repeat):
            cpu, data = 0, b""
            for first in range(0, FRAMES, segment):
                cpu += encode(yuv, first, min(segment, FRAMES - first), shlex.split(settings), stream)
                data += stream.read_bytes()
            best = cpu if best is None else min(best, cpu)
        stream.write_bytes(data)
        measured = [luma_ssim(yuv, stream), len(data), best * 1000 / FRAMES]
        stream.unlink()
        results = json.loads(kept.read_text()) if kept.exists() else {}
        results[key] = measured
        kept.write_text(json.dumps(results, indent=0))
    return results[key]


def ours(settings):
    """A quality's own settings with what every segment gets."""
    words = shlex.split(settings)
    if "-x264-params" in words:
        place = words.index("-x264-params") + 1
        words[place] += ":" + FIXED
    else:
        words += ["-x264-params", FIXED]
    return shlex.join(words)


def show(work, title, settings, segments, against, pages, repeat=1):
    for segment in segments:
        rows, worst, cpus, sizes = [], 1.0, [], []
        for page in pages:
            peer = measure(work, page, PEER[against], FRAMES, repeat)
            mine = measure(work, page, settings, segment, repeat)
            gain, size, cpu = mine[0] - peer[0], mine[1] / peer[1], mine[2] / peer[2]
            worst, cpus, sizes = min(worst, gain), cpus + [cpu], sizes + [size]
            rows.append(f"{page} {mine[0]:.5f} {gain * 1e4:+5.1f} {size:.2f} {mine[2]:5.1f}={cpu:.2f}")
        mean = sum(cpus) / len(cpus)
        print(f"{title:28} {segment:3} worst {worst * 1e4:+5.1f} size≤{max(sizes):.2f} cpu {mean:.3f} | " + " | ".join(rows), flush=True)


def table(work, repeat):
    """Ratios to the peer's settings, with segments of one second and of two; the worse SSIM of both."""
    print("| quality | page | SSIM | the peer's | size, 1 s | size, 2 s | CPU, 1 s | CPU, 2 s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for quality, settings in QUALITIES.items():
        for page in PAGES:
            peer = measure(work, page, PEER[quality], FRAMES, repeat)
            short, long = (measure(work, page, ours(settings), segment, repeat) for segment in (30, 60))
            cells = [quality, page, f"{min(short[0], long[0]):.5f}", f"{peer[0]:.5f}"]
            cells += [f"{mine[1] / peer[1]:.2f}" for mine in (short, long)]
            cells += [f"{mine[2] / peer[2]:.2f}" for mine in (short, long)]
            print(f"| {' | '.join(cells)} |", flush=True)


# As in activities/encode/src/encoding.rs.
MOTION = "bframes=1:b-adapt=1:b-bias=-20:mbtree=1"
SHARE = "aq-mode=3:aq-strength=0.8:deblock=1,1"
QUALITIES = {
    "draft": "-preset ultrafast -crf 26 -x264-params bframes=0:deblock=0,0",
    "standard": f"-preset superfast -crf 16.8 -x264-params me=hex:ref=2:rc-lookahead=7:{MOTION}:{SHARE}",
    "high": f"-preset veryfast -crf 13.5 -x264-params subme=4:ref=3:trellis=1:rc-lookahead=10:{MOTION}:{SHARE}",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pages", "try", "table"])
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--work", type=Path, default=Path("/tmp/framewright-quality"))
    parser.add_argument("--framewright", default="framewright")
    parser.add_argument("--against", choices=PEER, default="standard")
    parser.add_argument("--segments", default="30,60")
    parser.add_argument("--pages", default=",".join(PAGES))
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_intermixed_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what == "pages":
        make_pages(options.work, options.framewright)
    elif options.what == "table":
        table(options.work, options.repeat)
    else:
        segments = [int(segment) for segment in options.segments.split(",")]
        for named in options.settings:
            title, _, settings = named.partition("=")
            show(options.work, title, ours(settings), segments, options.against, options.pages.split(","), options.repeat)


main()

// Runs a command and says how long it took, and how much processor time it and all it started took.
//
// Both renderers start browsers that start processes of their own, some of which nobody waits for, so what the
// system adds up for waited children (getrusage) is too little. A control group counts them all. Where none can
// be made, the whole machine's time is taken: right only if nothing else runs.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** How CPU time is counted here, for the report. */
export const counting = findCounting();

/** Ends what is being measured. */
let stopCurrent = () => {};

/** For the end of this process: nothing of what was started is left when it returns. */
export function stop() {
  stopCurrent();
}

/**
 * @param {string[]} command
 * @param {{ env?: object, cwd?: string, log: string, seconds: number }} options  `log`: file for its output;
 *   `seconds`: after these it is killed
 * @returns {Promise<{ wall: number, cpu: number }>} seconds
 */
export async function measure(command, { env = {}, cwd, log, seconds }) {
  const meter = counting.open();
  const file = fs.openSync(log, "w");
  const begun = process.hrtime.bigint();
  try {
    const child = spawn("sh", ["-c", meter.enter + 'exec "$@"', "sh", ...command], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", file, file],
      detached: true,
    });
    stopCurrent = () => {
      kill(child.pid, meter);
      meter.closeNow();
    };
    const timer = setTimeout(() => kill(child.pid, meter), seconds * 1000);
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (...how) => resolve(how));
    });
    clearTimeout(timer);
    const wall = Number(process.hrtime.bigint() - begun) / 1e9;
    const cpu = meter.read();
    if (code !== 0) {
      const words = fs.readFileSync(log, "utf8").trim().split("\n").slice(-12).join("\n");
      const how = signal ? `was killed (${signal}; it may take ${seconds} s)` : `ended with ${code}`;
      throw new Error(`\`${command.join(" ")}\` ${how}:\n${words}`);
    }
    return { wall, cpu };
  } finally {
    fs.closeSync(file);
    await meter.close();
    stopCurrent = () => {};
  }
}

function kill(group, meter) {
  for (const pid of [-group, ...meter.processes()]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

function findCounting() {
  const name = `framewright-bench-${process.pid}`;
  const kinds = [
    ["/sys/fs/cgroup/cpuacct", (folder) => Number(read(folder, "cpuacct.usage")) / 1e9],
    ["/sys/fs/cgroup", (folder) => Number(/^usage_usec (\d+)/m.exec(read(folder, "cpu.stat"))[1]) / 1e6],
  ];
  for (const [root, usage] of kinds) {
    const folder = path.join(root, name);
    try {
      fs.mkdirSync(folder);
      usage(folder);
      fs.rmdirSync(folder);
      return { what: "processes of the command (control group)", open: () => group(folder, usage) };
    } catch {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  return { what: "the whole machine (/proc/stat): nothing else may run", open: machine };
}

function group(folder, usage) {
  fs.mkdirSync(folder);
  const processes = () => read(folder, "cgroup.procs").split("\n").filter(Boolean).map(Number);
  return {
    enter: `echo $$ > ${folder}/cgroup.procs && `,
    read: () => usage(folder),
    processes,
    // What the command left behind would be counted for nobody and slow the next one down.
    async close() {
      for (let tries = 0; !removed(folder); tries++) {
        if (tries === 50) processes().forEach((pid) => process.kill(pid, "SIGKILL"));
        if (tries === 100) throw new Error(`${folder} cannot be removed: processes of the last command live`);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    },
    closeNow() {
      for (let tries = 0; tries < 50 && !removed(folder); tries++) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);
      }
    },
  };
}

/** The kernel removes a group only when no process is left in it. */
function removed(folder) {
  try {
    fs.rmdirSync(folder);
    return true;
  } catch (error) {
    return error.code === "ENOENT";
  }
}

function machine() {
  const busy = () => {
    const [user, nice, system] = fs.readFileSync("/proc/stat", "utf8").split(/\s+/).slice(1).map(Number);
    return (user + nice + system) / 100;
  };
  const before = busy();
  return { enter: "", read: () => busy() - before, processes: () => [], close: async () => {}, closeNow: () => {} };
}

function read(folder, file) {
  return fs.readFileSync(path.join(folder, file), "utf8");
}

// Plays the driver's part inside the page: waits until it is ready, goes to frames, reports.

const driver = {
  async ready(limit = 20_000) {
    for (let waited = 0; waited < limit; waited += 5) {
      const status = __framewright.status();
      if (status.ready || status.failed) return status;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { failed: { kind: "test", message: "never ready" } };
  },
  /** @returns {Promise<any[]>} what `look` sees at each frame */
  async visit(frames, look) {
    const seen = [];
    for (const frame of frames) {
      await __framewright.seek(frame / 30);
      seen.push(look(frame));
    }
    return seen;
  },
  report(verdict) {
    return fetch("/verdict", { method: "POST", body: JSON.stringify(verdict) });
  },
  async run(body) {
    try {
      await this.report(await body());
    } catch (error) {
      await this.report({ threw: String(error?.stack ?? error) });
    }
  },
};

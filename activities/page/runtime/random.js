// Randomness that depends on the film's time alone, so that two workers roll the same dice.

/** State of xoshiro128**. */
const dice = new Uint32Array(4);

/** @param {number} x an unsigned 32-bit integer; all its bits decide all bits of the result */
function scramble(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** @param {number} seconds */
function seedFrom(seconds) {
  const bits = new Uint32Array(new Float64Array([seconds]).buffer);
  let state = scramble(bits[0] ^ scramble(bits[1] ^ 0x9e3779b9));
  for (let i = 0; i < 4; i += 1) {
    state = (state + 0x9e3779b9) >>> 0;
    dice[i] = scramble(state);
  }
}

/** @returns {number} an unsigned 32-bit integer */
function roll() {
  const rotated = Math.imul(dice[1], 5);
  const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0;
  const shifted = dice[1] << 9;
  dice[2] ^= dice[0];
  dice[3] ^= dice[1];
  dice[1] ^= dice[2];
  dice[0] ^= dice[3];
  dice[2] ^= shifted;
  dice[3] = (dice[3] << 11) | (dice[3] >>> 21);
  return result;
}

seedFrom(0);
hide(Math, "random", () => ((roll() >>> 5) * 0x4000000 + (roll() >>> 6)) / 0x20000000000000);
hide(Crypto.prototype, "getRandomValues", (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = roll() >>> 24;
  return array;
});
if (Crypto.prototype.randomUUID) {
  hide(Crypto.prototype, "randomUUID", () => {
    const hex = Array.from({ length: 16 }, (_, i) => {
      const byte = roll() >>> 24;
      const fixed = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte;
      return fixed.toString(16).padStart(2, "0");
    }).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  });
}

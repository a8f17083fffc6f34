// Lists that many events concern look at most so often: at the first of them, and once more after the last. A throttle would drop
// what comes while it rests, and the last state of all would be seen by the next poll only.
const PACE_MS = 600;
const OBJECTS = ["run", "action", "grant", "agent", "desk"];
const resting = new Map();

function pace(name) {
  if (resting.has(name)) {
    resting.set(name, true);
    return;
  }
  resting.set(name, false);
  document.body.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  setTimeout(() => {
    const missed = resting.get(name);
    resting.delete(name);
    if (missed) pace(name);
  }, PACE_MS);
}

for (const object of OBJECTS) document.body.addEventListener(`live:${object}`, () => pace(`paced:${object}`));

// Keeps the screen on while somebody looks; where a page cannot do that (over plain http), `hint` says what to do.
const SECONDS = 12;

export function stayAwake(hint) {
  if (!navigator.wakeLock) {
    hint.hidden = false;
    setTimeout(() => (hint.hidden = true), 1000 * SECONDS);
    return;
  }
  const ask = () => {
    if (document.visibilityState !== "visible") return;
    navigator.wakeLock.request("screen").catch(() => {}); // the device saves energy: nothing to do about it
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}

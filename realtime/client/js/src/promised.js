// A promise with its ends: {promise, resolve, reject}. Nobody has to wait for it, because an event says the same.
export function promised() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {});
  return made;
}

// What this browser keeps: the credentials of guests. Without storage, a reload is a new guest.
const memory = new Map();

export function read(key) {
  try {
    return localStorage.getItem(key) || memory.get(key) || null;
  } catch (error) {
    return memory.get(key) || null; // storage is switched off
  }
}

export function keep(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch (error) {
    // storage is switched off, or full
  }
}

export function forget(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch (error) {
    // storage is switched off
  }
}

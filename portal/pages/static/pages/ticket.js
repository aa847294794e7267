// A ticket for one socket of somebody who is logged in: the session of the page is enough for it.
import { PortalError } from "../client/portal-client.min.js";

const LONGEST_MILLISECONDS = 10000;

// `{ticket}`, as the client wants it; null if there is no session any more. The client tries again after other errors.
export async function getTicket({ address, portalViewId, csrf }) {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), LONGEST_MILLISECONDS);
  try {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
    const body = JSON.stringify({ portalViewId });
    const answer = await fetch(address, { method: "POST", headers, body, signal: ending.signal });
    if (answer.ok) return await answer.json();
    if (answer.status === 401 || answer.status === 403) return null;
    const { message } = await answer.json().catch(() => ({}));
    throw new PortalError(answer.status === 404 ? "no-access" : "unavailable", message || "There is no ticket now.");
  } finally {
    clearTimeout(timer);
  }
}

// Who is there, after a `presence` message: {controllers, viewers, counts}. Viewers are told nothing but counts.
export function present(before, { event, joined = [], left = [], controllers = [], viewers = [], counts }) {
  if (event === "snapshot") return { controllers, viewers, counts };
  const came = [...joined, ...controllers, ...viewers];
  const gone = [...left, ...came].map(({ id }) => id);
  const now = (role) => {
    const stayed = before ? before[`${role}s`].filter(({ id }) => !gone.includes(id)) : [];
    return stayed.concat(came.filter((person) => person.role === role));
  };
  return { controllers: now("controller"), viewers: now("viewer"), counts };
}

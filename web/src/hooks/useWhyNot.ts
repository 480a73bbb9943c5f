// Why the one who is signed in may not ask for something: the role that it needs is the API's own
// (api/__generated__/roles.ts).
import { ROLES } from "../api/__generated__/roles";
import type { Role } from "../api/types";
import { ROLE } from "../components/states";
import { useSession } from "../stores/session";

/** A request as the description of the API names it. */
export type Act = keyof typeof ROLES;

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function whyNotFor(role: Role, act: Act): string | undefined {
  const needed: Role = ROLES[act];
  if (RANK[role] >= RANK[needed]) return undefined;
  return `Needs the role ${ROLE[needed].text}; yours is ${ROLE[role].text}.`;
}

export function useWhyNot(act: Act): string | undefined {
  const session = useSession();
  return session ? whyNotFor(session.role, act) : undefined;
}

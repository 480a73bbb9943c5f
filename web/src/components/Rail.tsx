// Where one can go: the rail of a wide window, the bar of a phone.
import { Link, useLocation } from "wouter";
import { status, version } from "../api/queries";
import type { SessionView } from "../api/types";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useSignOut } from "../hooks/useSignOut";
import { useConnection } from "../stores/connection";
import { useSession } from "../stores/session";
import { Button } from "../ui/Button";
import { Icon, Mark } from "../ui/Icon";
import { Lamp } from "../ui/Lamp";
import { gatherNeeds } from "../util/needs";
import { to } from "../util/path-builder";
import { GROUPS, PHONE, type Place } from "./places";
import { ROLE } from "./states";

export function isAt(location: string, href: string): boolean {
  return href === "/" ? location === "/" : location === href || location.startsWith(`${href}/`);
}

function useCounts() {
  const { data } = useLockAwareQuery(status());
  return { needs: data ? gatherNeeds(data).length : 0, running: data?.jobs.active ?? 0 };
}

function Badge({ href, counts }: { href: string; counts: { needs: number; running: number } }) {
  if (href === to.home() && counts.needs > 0) {
    return (
      <span className="badge">
        {counts.needs}
        <span className="visually-hidden"> need somebody</span>
      </span>
    );
  }
  if (href === to.jobs() && counts.running > 0) {
    return (
      <span className="badge busy">
        {counts.running}
        <span className="visually-hidden"> not ended</span>
      </span>
    );
  }
  return null;
}

function PlaceLink({
  place,
  counts,
}: {
  place: Place;
  counts: { needs: number; running: number };
}) {
  const [location] = useLocation();
  return (
    <Link href={place.href} aria-current={isAt(location, place.href) ? "page" : undefined}>
      <Icon name={place.icon} size={17} />
      <span>{place.text}</span>
      <Badge href={place.href} counts={counts} />
    </Link>
  );
}

export function Rail() {
  const counts = useCounts();
  const { isLost } = useConnection();
  const session = useSession();
  const answer = useLockAwareQuery(version());
  return (
    <header className="rail">
      <Link href={to.home()} className="brand">
        <Mark />
        FossilSafe
      </Link>
      <nav aria-label="Pages">
        {GROUPS.map((group) => (
          <div key={group.name}>
            <p id={`nav-${group.name}`}>{group.name}</p>
            <ul aria-labelledby={`nav-${group.name}`}>
              {group.places.map((place) => (
                <li key={place.href}>
                  <PlaceLink place={place} counts={counts} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className="foot">
        <Lamp
          state={
            isLost
              ? { tone: "bad", icon: "disconnected", text: "No answer" }
              : { tone: "good", icon: "good", text: "Answers" }
          }
        />
        {session && <SignedIn session={session} />}
        {answer.data && <span className="mono">{answer.data.version}</span>}
      </div>
    </header>
  );
}

function SignedIn({ session }: { session: SessionView }) {
  const signOut = useSignOut();
  return (
    <div className="signed-in">
      <Link
        href={to.account()}
        aria-label={`My account: ${session.user}, ${ROLE[session.role].text}`}
      >
        {session.user} · {ROLE[session.role].text}
      </Link>
      <Button look={["quiet", "small"]} onClick={signOut}>
        Sign out
      </Button>
    </div>
  );
}

export function TabBar() {
  const counts = useCounts();
  return (
    <nav className="tabbar" aria-label="Pages, short">
      {PHONE.map((place) => (
        <PlaceLink key={place.href} place={place} counts={counts} />
      ))}
    </nav>
  );
}

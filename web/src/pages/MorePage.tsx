// Everything that the bar of a phone has no room for.
import { Link } from "wouter";
import { PageHead } from "../components/PageHead";
import { GROUPS, SETTINGS } from "../components/places";
import { Icon } from "../ui/Icon";
import { Panel } from "../ui/Panel";

export function MorePage() {
  return (
    <>
      <PageHead title="All pages" />
      <div className="columns">
        {[...GROUPS, { name: "Settings", places: SETTINGS }].map((group) => (
          <Panel key={group.name} title={group.name}>
            <ul className="stack tight">
              {group.places.map((place) => (
                <li key={place.href}>
                  <Link
                    href={place.href}
                    className="button"
                    style={{ width: "100%", justifyContent: "start" }}
                  >
                    <Icon name={place.icon} />
                    {place.text}
                  </Link>
                </li>
              ))}
            </ul>
          </Panel>
        ))}
      </div>
    </>
  );
}

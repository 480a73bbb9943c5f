// Settings: where each is. Every page of them says itself which role it needs.
import { Link } from "wouter";
import { PageHead } from "../../components/PageHead";
import { SETTINGS } from "../../components/places";
import { Icon } from "../../ui/Icon";

export function SettingsPage() {
  return (
    <>
      <PageHead title="Settings" topic="settings" />
      <ul className="doors">
        {SETTINGS.map((place) => (
          <li key={place.href} className="panel">
            <h2>
              <Icon name={place.icon} size={18} /> <Link href={place.href}>{place.text}</Link>
            </h2>
            <p className="quiet-text">{place.about}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

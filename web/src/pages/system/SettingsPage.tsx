// Settings: how this console looks on this device, and who is signed in.
import { PageHead } from "../../components/PageHead";
import { ROLE } from "../../components/states";
import { useSignOut } from "../../hooks/useSignOut";
import { useSession } from "../../stores/session";
import { chooseTheme, THEME_NAMES, THEMES, type Theme, useTheme } from "../../stores/theme";
import { Button } from "../../ui/Button";
import { Choices } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { formatTime } from "../../util/units";

const ABOUT: Record<Theme, string> = {
  auto: "Light or dark as the device is set, and high contrast where the device asks for more contrast.",
  light: "Dark ink on warm paper, for a bright room.",
  dark: "Pale ink on graphite, for a dim room or a rack.",
  contrast: "White and yellow on black, thick edges.",
};

export function SettingsPage() {
  const theme = useTheme();
  return (
    <>
      <PageHead title="Settings" topic="settings" />
      <div className="columns">
        <Panel title="Appearance" aside="kept on this device">
          <Choices
            legend="Look"
            name="theme"
            value={theme}
            onChange={chooseTheme}
            options={THEMES.map((value) => ({
              value,
              title: THEME_NAMES[value],
              text: ABOUT[value],
            }))}
          />
        </Panel>
        <SessionPanel />
      </div>
    </>
  );
}

function SessionPanel() {
  const session = useSession();
  const signOut = useSignOut();
  if (!session) return null;
  return (
    <Panel title="Signed in">
      <div className="stack">
        <Facts
          rows={[
            ["User", session.user],
            ["Role", ROLE[session.role].text],
            ["Until", session.expires_at && formatTime(session.expires_at)],
          ]}
        />
        <div className="actions">
          <Button onClick={signOut}>Sign out</Button>
        </div>
      </div>
    </Panel>
  );
}

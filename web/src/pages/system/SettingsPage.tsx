// Settings: how this console looks on this device, and who is signed in.
import { useQueryClient } from "@tanstack/react-query";
import { request } from "../../api/client";
import { PageHead } from "../../components/PageHead";
import { useSession } from "../../stores/session";
import { chooseTheme, THEME_NAMES, THEMES, type Theme, useTheme } from "../../stores/theme";
import { Button } from "../../ui/Button";
import { Choices } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
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
  const client = useQueryClient();
  if (!session) return null;
  return (
    <Panel title="Signed in">
      <div className="stack">
        <Facts
          rows={[
            ["User", session.user],
            ["Role", session.role],
            ["Until", session.expires_at && formatTime(session.expires_at)],
          ]}
        />
        <div className="actions">
          <Button
            onClick={() => {
              void request("DELETE", api.session()).then(() => client.resetQueries());
            }}
          >
            Sign out
          </Button>
        </div>
      </div>
    </Panel>
  );
}

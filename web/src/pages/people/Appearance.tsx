// How the console looks on this device.
import { chooseTheme, THEME_NAMES, THEMES, type Theme, useTheme } from "../../stores/theme";
import { Choices } from "../../ui/Field";
import { Panel } from "../../ui/Panel";

const ABOUT: Record<Theme, string> = {
  auto: "Light or dark as the device is set, and high contrast where the device asks for more contrast.",
  light: "Dark ink on warm paper, for a bright room.",
  dark: "Pale ink on graphite, for a dim room or a rack.",
  contrast: "White and yellow on black, thick edges.",
};

export function Appearance() {
  const theme = useTheme();
  return (
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
  );
}

// What a browser calls itself, in a few words.
const BROWSERS: readonly [RegExp, string][] = [
  [/Edg\/(\d+)/, "Edge"],
  [/Firefox\/(\d+)/, "Firefox"],
  [/Chrom(?:e|ium)\/(\d+)/, "Chromium"],
  [/Version\/(\d+).*Safari/, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** The browser and its system; what is not known stays as it was said. */
export function agentText(agent: string): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent));
  if (!browser) return agent;
  const version = agent.match(browser[0])?.[1] ?? "";
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  return `${browser[1]} ${version}${system ? ` on ${system}` : ""}`;
}

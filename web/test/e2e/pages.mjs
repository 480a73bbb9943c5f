// Every page of the console, for axe and for the screenshots. `seen` fills in what a test has made.
export const THEMES = ["light", "dark", "contrast"];

export function pages(seen) {
  return [
    ["home", "/"],
    ["library", "/library"],
    ["cartridges", "/cartridges"],
    ["cartridge", `/cartridges/${seen.cartridge}`],
    ["labels", "/cartridges/labels"],
    ["jobs", "/jobs"],
    ["job", `/jobs/${seen.backupJob}`],
    ["proof", `/jobs/${seen.restoreJob}/proof`],
    ["sets", "/sets"],
    ["set", `/sets/${seen.set}`],
    ["runs", "/runs"],
    ["run", `/runs/${seen.run}`],
    ["backup", "/backup"],
    ["restore", "/restore"],
    ["restore-where", `/restore?run=${seen.run}`],
    ["search", "/search?q=file"],
    ["file", `/file?path=${encodeURIComponent(seen.path)}&set=${seen.set}`],
    ["recovery", "/recovery"],
    ["equipment", "/equipment"],
    ["health", "/health"],
    ["settings", "/settings"],
    ["account", "/account"],
    ["users", "/settings/users"],
    ["api-keys", "/settings/api-keys"],
    ["approvals", "/settings/approvals"],
    ["audit", "/settings/audit"],
    ["help", "/help"],
    ["help-evidence", "/help/evidence"],
    ["help-error", "/help/errors/move_failed"],
    ["more", "/more"],
    ["missing", "/no-such-page"],
  ];
}

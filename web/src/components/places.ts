// Where one can go: the groups of the rail, the bar of a phone, and the pages below Settings.
import type { IconName } from "../ui/Icon";
import { to } from "../util/path-builder";

export interface Place {
  href: string;
  text: string;
  icon: IconName;
}

export const GROUPS: readonly { name: string; places: readonly Place[] }[] = [
  {
    name: "Look",
    places: [
      { href: to.home(), text: "Home", icon: "home" },
      { href: to.jobs(), text: "Jobs", icon: "jobs" },
      { href: to.library(), text: "Library map", icon: "library" },
      { href: to.scan(), text: "Scan labels", icon: "scan" },
      { href: to.cartridges(), text: "Cartridges", icon: "cartridge" },
      { href: to.sets(), text: "Sets", icon: "sets" },
      { href: to.runs(), text: "Runs", icon: "runs" },
      { href: to.alerts(), text: "Alerts", icon: "warn" },
    ],
  },
  {
    name: "Do",
    places: [
      { href: to.backup(), text: "Back up", icon: "backup" },
      { href: to.restore(), text: "Restore", icon: "restore" },
      { href: to.search(), text: "Search", icon: "search" },
      { href: to.schedules(), text: "Schedules", icon: "queued" },
      { href: to.recovery(), text: "Recovery", icon: "recovery" },
    ],
  },
  {
    name: "Appliance",
    places: [
      { href: to.equipment(), text: "Equipment", icon: "drive" },
      { href: to.health(), text: "Health", icon: "health" },
      { href: to.selfTest(), text: "Self-test", icon: "good" },
      { href: to.pools(), text: "Pools and keys", icon: "lock" },
      { href: to.settings(), text: "Settings", icon: "settings" },
      { href: to.help(), text: "Handbook", icon: "help" },
    ],
  },
];

export const SETTINGS: readonly (Place & { about: string })[] = [
  {
    href: to.account(),
    text: "My account",
    icon: "settings",
    about: "Password, second factor, where you are signed in, how the console looks.",
  },
  {
    href: to.sources(),
    text: "Sources",
    icon: "sets",
    about: "Shares of other machines that are backed up.",
  },
  {
    href: to.notifications(),
    text: "Notifications",
    icon: "warn",
    about: "Alerts by webhook, mail or SNMP trap, and what became of each.",
  },
  {
    href: to.users(),
    text: "Users and roles",
    icon: "users",
    about: "Who may sign in, and what each may do.",
  },
  {
    href: to.provider(),
    text: "Sign-in by a provider",
    icon: "users",
    about: "People sign in with the account that they have elsewhere, by OpenID Connect.",
  },
  {
    href: to.keyServer(),
    text: "Key server",
    icon: "lock",
    about: "A Vault that keeps the data keys of pools, so that no disk here has them.",
  },
  {
    href: to.apiKeys(),
    text: "API keys",
    icon: "lock",
    about: "For programs that ask this appliance.",
  },
  {
    href: to.approvals(),
    text: "Approvals",
    icon: "good",
    about: "The two-person rule, and what waits for a second admin.",
  },
  {
    href: to.network(),
    text: "Network",
    icon: "settings",
    about: "What this machine is called, and the addresses and name servers of its ports.",
  },
  {
    href: to.time(),
    text: "Time",
    icon: "queued",
    about: "Time zone and time servers, and whether the clock is right.",
  },
  {
    href: to.streaming(),
    text: "Streaming",
    icon: "drive",
    about: "What keeps the drive from waiting: memory, a staging disk, the rates of the drives.",
  },
  {
    href: to.certificate(),
    text: "Certificate",
    icon: "lock",
    about:
      "What browsers see over HTTPS: who signed it, until when; another one, a signing request.",
  },
  {
    href: to.updates(),
    text: "Updates",
    icon: "runs",
    about: "What runs, what is in the other slot, and how a newer version comes.",
  },
  {
    href: to.kept(),
    text: "Backups of the appliance",
    icon: "backup",
    about: "The catalog on another disk, and all settings in one file.",
  },
  {
    href: to.logs(),
    text: "Logs",
    icon: "jobs",
    about: "What the program itself says, searched; and how long it is kept.",
  },
  {
    href: to.audit(),
    text: "Audit",
    icon: "audit",
    about: "Every change, sign-in and refusal; checked and taken away.",
  },
];

export const PHONE: readonly Place[] = [
  { href: to.home(), text: "Home", icon: "home" },
  { href: to.library(), text: "Library", icon: "library" },
  { href: to.jobs(), text: "Jobs", icon: "jobs" },
  { href: to.restore(), text: "Restore", icon: "restore" },
  { href: to.more(), text: "More", icon: "more" },
];

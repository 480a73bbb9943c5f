// The console's own icons: 16 by 16, one stroke. States differ by shape, so none needs its colour.

const PATHS = {
  // States
  good: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5 8.200l2.200 2.200L11.200 6",
  busy: "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M6.500 5.300v5.400L11 8z",
  warn: "M8 1.800 15 14H1zM8 6.200v3.600M8 11.700v.4",
  bad: "M5.200 1.500h5.600l3.700 3.700v5.600l-3.700 3.700H5.200l-3.700-3.700V5.200zM5.700 5.700l4.600 4.600M10.300 5.700l-4.600 4.600",
  idle: "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M5 8h6",
  unknown:
    "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M6.200 6.300c0-2.400 3.700-2.400 3.700 0 0 1.500-1.900 1.500-1.900 2.900M8 11.200v.4",
  foreign: "M3 14.500V2M3 2.500h9.500l-2 3 2 3H3",
  paused: "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M6.300 5.500v5M9.700 5.500v5",
  queued: "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M8 4.500V8l2.500 1.500",
  empty: "M2.500 3.500h11v9h-11z",
  full: "M2.500 3.500h11v9h-11zM5 6.500h6M5 9.500h6",
  lock: "M3.500 7h9v7h-9zM5.500 7V4.800a2.500 2.500 0 0 1 5 0V7",
  clean: "M8 1.500v4M4.500 5.500h7l1.500 9H3zM6 9.500v5M8 9.500v5M10 9.500v5",
  // Places
  home: "M2 7.500 8 2.200l6 5.300M3.500 6.800V14h9V6.800M6.500 14v-4h3v4",
  library: "M2 2.500h12v11H2zM6 2.500v11M10 2.500v11M2 8h12",
  scan: "M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3M5 5.500v5M7 5.500v5M9 5.500v5M11 5.500v5",
  cartridge: "M2 3h12v10H2zM4.500 5.500h7v2.500h-7zM5 11h6",
  jobs: "M2 4h2M6 4h8M2 8h2M6 8h8M2 12h2M6 12h8",
  backup: "M8 10.500V2.500M5 5.300l3-3 3 3M2.500 9.500v4h11v-4",
  restore: "M8 2.500v8M5 7.700l3 3 3-3M2.500 9.500v4h11v-4",
  sets: "M8 1.800l6 3-6 3-6-3zM2 8l6 3 6-3M2 11.200l6 3 6-3",
  runs: "M2.500 8a5.500 5.500 0 1 1 1.700 4M2.500 12.500V9.300h3.200M8 5v3.200l2 1.300",
  search: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9M10.300 10.300l3.700 3.700",
  recovery:
    "M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800M8 5.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5M3.600 3.600l2.600 2.600M9.800 9.800l2.600 2.600M12.400 3.600 9.800 6.200M6.200 9.800l-2.600 2.600",
  drive: "M1.500 4h13v8h-13zM4 7h6M12 9.500v.1",
  health: "M1.500 8.500h3l2-5 3 9 2-4h3",
  settings: "M2 4.500h7M12 4.500h2M2 11.500h2M7 11.500h7M10.500 3v3M5.500 10v3",
  audit: "M3.500 1.500h9v13h-9zM6 5h4M6 8h4M6 11h2",
  help: "M2 3.200c2.500-1 4.500-1 6 .5 1.500-1.500 3.500-1.500 6-.5v9.300c-2.500-1-4.500-1-6 .5-1.500-1.500-3.500-1.500-6-.5zM8 3.700V13",
  more: "M3.500 8v.1M8 8v.1M12.500 8v.1",
  users:
    "M6 2.500a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400M1.500 13.500c0-5 9-5 9 0M11 3a2.500 2.500 0 0 1 0 4.700M12.500 9.700c1.300.5 2 1.800 2 3.800",
  folder: "M1.500 3.500h4.500l1.500 1.800h7v8.200h-13z",
  // Acts
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  move: "M2 8h12M10.500 4.500 14 8l-3.500 3.500M5.500 4.500 2 8l3.500 3.500",
  print: "M4 6V2h8v4M4 12H2V6h12v6h-2M4 9.500h8V14H4z",
  next: "M6 3l5 5-5 5",
  disconnected:
    "M2 2l12 12M5 11a4.200 4.200 0 0 1 6 0M2.500 8.500A7.800 7.800 0 0 1 6 6.500M10 6.500a7.800 7.800 0 0 1 3.500 2M8 13.500v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: an ammonite, and a reel of tape. */
export function Mark() {
  return (
    <svg
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path
        d="M16 4.500a11.500 11.500 0 1 0 11.500 11.500c0-5.200-4-8.900-8.600-8.900-4.100 0-7.100 3.100-7.100 6.800 0 3.200 2.400 5.400 5.300 5.400 2.300 0 4-1.600 4-3.700"
        strokeWidth={2.6}
      />
      <path d="M16 27.500h12" strokeWidth={2.6} />
    </svg>
  );
}

// What a person sets in a form, and what the API is sent of it.
import { describe, expect, it } from "vitest";
import type { ChannelView, ScheduleView, SourceState, StreamingState } from "../../src/api/types";
import {
  certificateBody,
  isNamed,
  namesOf,
  whyNotCertificate,
} from "../../src/forms/certificate-draft";
import { bodyOf, EMPTY_CHANNEL, ofChannel, whyNotChannel } from "../../src/forms/channel-draft";
import {
  EMPTY_KEY_SERVER,
  keyServerBody,
  ofKeyServer,
  whyNotKeyServer,
  withWay,
} from "../../src/forms/key-server-draft";
import { consoleAt, ofSetting, portBody, whyNotPort } from "../../src/forms/port-draft";
import {
  cronOf,
  emptySchedule,
  ofSchedule,
  planOf,
  rhythmFrom,
  type ScheduleDraft,
  taskOf,
  whyNotSchedule,
} from "../../src/forms/schedule-draft";
import { EMPTY_SOURCE, ofSource, shareOf, sourceBody } from "../../src/forms/source-draft";
import {
  bridgedSeconds,
  ofStreaming,
  streamingBody,
  whyNotStreaming,
} from "../../src/forms/streaming-draft";
import { offsetText, ofTime, timeBody, zonesWith } from "../../src/forms/time-draft";
import { groupsOf } from "../../src/pages/keys/KitPage";
import { DAYS, daysOf } from "../../src/pages/schedules/Calendar";

const empty = emptySchedule("UTC");
const nightly: ScheduleView = {
  name: "nightly",
  title: "Nightly",
  cron: "30 2 * * *",
  task: { kind: "inventory" },
  missed: "skip",
  retries: { attempts: 3, after_minutes: 45 },
  is_enabled: true,
  created: "2026-11-28T12:00:00Z",
  last: null,
  next: [],
  retry_at: null,
};

describe("a schedule", () => {
  it("becomes a pattern, and the pattern becomes the same schedule again", () => {
    for (const cron of ["30 2 * * *", "5 22 * * MON-FRI", "0 6 * * SUN", "15 4 28 * *"]) {
      expect(cronOf({ ...empty, ...rhythmFrom(cron) })).toBe(cron);
    }
    expect(rhythmFrom("0 6 * * SUN").rhythm).toBe("weekly");
    expect(rhythmFrom("15 4 28 * *").rhythm).toBe("monthly");
  });

  it("keeps a pattern as it is that it has no words for", () => {
    for (const cron of ["*/5 * * * *", "0 30 2 * * MON", "0 2 1 * MON", "0 2 * 1 *"]) {
      expect(rhythmFrom(cron)).toMatchObject({ rhythm: "own", cron });
      expect(cronOf({ ...empty, ...rhythmFrom(cron) })).toBe(cron);
    }
  });

  it("needs a name, a set and a day that every month has", () => {
    const whole = { ...empty, name: "nightly", set: "docs" };
    expect(whyNotSchedule(whole)).toBeUndefined();
    expect(whyNotSchedule({ ...whole, name: "every night" })).toMatch(/name/);
    expect(whyNotSchedule({ ...whole, set: "" })).toMatch(/set/);
    expect(whyNotSchedule({ ...whole, rhythm: "monthly", day: "31" })).toMatch(/every month/);
    expect(taskOf({ ...whole, task: "verify" }, [])).toEqual({
      kind: "verify",
      scope: { set: "docs" },
    });
  });

  it("is sent as it was read, in the zone of the machine if it names none", () => {
    const { cron, missed, retries, task } = nightly;
    expect(planOf(ofSchedule(nightly), task)).toEqual({ cron, missed, retries, task });
    const there = { ...nightly, time_zone: "Europe/Berlin" };
    expect(planOf(ofSchedule(there), task)).toMatchObject({ time_zone: "Europe/Berlin" });
  });

  it("keeps what the form does not show of a task, and a task that it has no fields for", () => {
    const view = (task: ScheduleView["task"]) => ofSchedule({ ...nightly, task });
    const priority = "high" as const;
    const full = { kind: "verify" as const, scope: { set: "docs" }, priority };
    expect(taskOf(view(full), [], full)).toBe(full);
    expect(taskOf({ ...view(full), set: "photos" }, [], full)).toEqual({
      kind: "verify",
      scope: { set: "photos" },
    });
    const catalog = { kind: "catalog_backup" as const, folder: "/srv/backup" };
    const cartridge = { kind: "verify" as const, scope: { cartridge: "FSP001L9" } };
    for (const task of [catalog, cartridge] as unknown as ScheduleView["task"][]) {
      expect(view(task).task).toBe("as_is");
      expect(whyNotSchedule(view(task))).toBeUndefined();
      expect(taskOf(view(task), [], task)).toBe(task);
      const changed: ScheduleDraft = { ...view(task), task: "self_test" };
      expect(taskOf(changed, [], task)).toEqual({ kind: "self_test" });
    }
  });

  it("stands in the calendar on its days, in order", () => {
    const now = Date.parse("2026-11-28T12:00:00");
    const at = (time: string) => ({ schedule: "s", at: new Date(time).toISOString() });
    const days = daysOf([at("2026-11-29T20:00:00"), at("2026-11-29T02:00:00")], now);
    expect(days).toHaveLength(DAYS);
    expect(days.map((day) => day.moments.length).slice(0, 3)).toEqual([0, 2, 0]);
    expect(days[1]?.moments[0]).toEqual(at("2026-11-29T02:00:00"));
  });
});

describe("a channel", () => {
  const view: ChannelView = {
    name: "ops",
    target: { kind: "webhook", url: "https://ops.example/hook", ca_pem: "PEM" },
    severity_min: "critical",
    events: ["job_failed"],
    has_secret: true,
    is_enabled: true,
    changed: "2026-11-28T03:18:02Z",
  };

  it("keeps what the form does not show, and its secret if none is typed", () => {
    expect(bodyOf(ofChannel(view), view)).toEqual({
      target: view.target,
      severity_min: "critical",
      events: ["job_failed"],
      is_enabled: true,
    });
  });

  it("by webhook needs a secret once, by mail somebody to write to", () => {
    const hook = { ...EMPTY_CHANNEL, name: "ops", url: "https://ops.example/hook" };
    expect(whyNotChannel(hook, false)).toMatch(/secret/);
    expect(whyNotChannel(hook, true)).toBeUndefined();
    const mail = { ...hook, kind: "mail" as const, server: "mail.example" };
    expect(whyNotChannel(mail, true)).toMatch(/somebody to write to/);
  });
});

it("a share is sent as it was read, without a password that nobody typed", () => {
  const place = { kind: "smb" as const, host: "nas", share: "photos", is_encrypted: true };
  const state: SourceState = {
    name: "photos",
    spec: { place, is_writable: false },
    has_password: true,
    path: "/srv/sources/photos",
    condition: "mounted",
  };
  expect(sourceBody(ofSource(state))).toEqual({ place, is_writable: false });
  expect(shareOf(place)).toBe("//nas/photos");
  const nfs = { ...EMPTY_SOURCE, kind: "nfs" as const, host: "nas", what: "/e", password: "x" };
  expect(sourceBody(nfs)).toEqual({
    place: { kind: "nfs", host: "nas", export: "/e" },
    is_writable: false,
  });
});

it("the groups of a kit are read from its page in order", () => {
  const row = "<tr><th>1</th><td>AAAA</td><td>BBBB</td></tr><tr><th>3</th><td>CCCC</td></tr>";
  expect(groupsOf(`<html><body><table>${row}</table></body></html>`)).toEqual([
    "AAAA",
    "BBBB",
    "CCCC",
  ]);
});

describe("the time of the machine", () => {
  it("is read back as it was written, its servers as words", () => {
    const setting = { time_zone: "Asia/Tokyo", time_servers: ["time.example", "192.0.2.3"] };
    expect(timeBody(ofTime(setting))).toEqual(setting);
    expect(timeBody({ zone: "UTC", servers: " a,  b " }).time_servers).toEqual(["a", "b"]);
    expect(timeBody({ zone: "UTC", servers: " " }).time_servers).toEqual([]);
  });

  it("offers the zone that is set also where the browser does not know it", () => {
    expect(zonesWith("Etc/UTC")).toContain("Etc/UTC");
    expect(zonesWith("UTC").filter((zone) => zone === "UTC")).toHaveLength(1);
    expect(zonesWith("UTC")).toContain("Europe/Berlin");
  });

  it("says how wrong a clock was, and on which side", () => {
    expect(offsetText(0)).toBe("right to the microsecond");
    expect(offsetText(13116)).toBe("13.1 ms behind");
    expect(offsetText(-250)).toBe("250 µs ahead");
    expect(offsetText(86_400_000_000)).toBe("86400 s behind");
  });
});

describe("streaming", () => {
  const state: StreamingState = {
    memory_bytes: 268_435_456,
    memory_least_bytes: 33_554_432,
    memory_most_bytes: 3_000_000_000,
    staging: null,
    rates: [
      {
        generation: "LTO-9",
        published_bytes_per_second: [400_000_000, 177_000_000],
        slowest_bytes_per_second: 177_000_000,
        fastest_bytes_per_second: 400_000_000,
        is_set: false,
      },
    ],
  };

  it("sends no rates that are the published ones, and no folder where nothing is staged", () => {
    const draft = ofStreaming(state);
    expect(streamingBody(draft, state)).toEqual({ memory_bytes: 268_435_456, rates: [] });
    const set = { ...draft, rates: draft.rates.map((each) => ({ ...each, fastest: "300" })) };
    expect(streamingBody(set, state).rates).toEqual([
      {
        generation: "LTO-9",
        slowest_bytes_per_second: 177_000_000,
        fastest_bytes_per_second: 300_000_000,
      },
    ]);
  });

  it("says how long a pause is bridged", () => {
    const draft = { ...ofStreaming(state), isStaging: true, folder: "/mnt/fast", limit: "177" };
    expect(Math.round(bridgedSeconds(draft, "177") ?? 0)).toBe(1002);
    expect(bridgedSeconds(draft, "")).toBeUndefined();
  });

  it("is refused with the reason before it is sent", () => {
    const draft = ofStreaming(state);
    expect(whyNotStreaming(draft, state)).toBeUndefined();
    expect(whyNotStreaming({ ...draft, memory: "8" }, state)).toMatch(/between 32 and/);
    expect(whyNotStreaming({ ...draft, isStaging: true, folder: "x" }, state)).toMatch(/slash/);
    const backwards = draft.rates.map((each) => ({ ...each, fastest: "100" }));
    expect(whyNotStreaming({ ...draft, rates: backwards }, state)).toMatch(/LTO-9/);
  });
});

describe("a certificate", () => {
  it("is good for a name, an address and one part behind a star", () => {
    const names = ["tape.example", "2001:db8::5", "*.lab.example"];
    for (const host of ["tape.example", "[2001:db8::5]", "TAPE.example", "a.lab.example"]) {
      expect(isNamed(names, host), host).toBe(true);
    }
    for (const host of ["other.example", "lab.example", "a.b.lab.example", "localhost"]) {
      expect(isNamed(names, host), host).toBe(false);
    }
  });

  it("needs a key unless a signing request waits", () => {
    const chain = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
    expect(whyNotCertificate({ chain: "", key: "" }, true)).toMatch(/BEGIN CERTIFICATE/);
    expect(whyNotCertificate({ chain, key: "" }, false)).toMatch(/private key/);
    expect(whyNotCertificate({ chain, key: "" }, true)).toBeUndefined();
    expect(certificateBody({ chain, key: " " })).toEqual({ chain_pem: chain });
    expect(namesOf(" a.example\nb.example, 192.0.2.5 ")).toEqual([
      "a.example",
      "b.example",
      "192.0.2.5",
    ]);
  });
});

describe("a network port", () => {
  const dhcp = ofSetting({ name_servers: [] });

  it("has no fixed address when it asks by DHCP, whatever was typed before", () => {
    const draft = { ...dhcp, address: "192.0.2.5/24", nameServers: "192.0.2.2, 192.0.2.3" };
    expect(portBody(draft)).toEqual({ name_servers: ["192.0.2.2", "192.0.2.3"] });
  });

  it("is read back as it was written", () => {
    const setting = {
      fixed: { address: "192.0.2.5", prefix_length: 24, gateway: "192.0.2.1" },
      name_servers: ["192.0.2.2"],
    };
    expect(portBody(ofSetting(setting))).toEqual(setting);
  });

  it("needs a prefix with a fixed address", () => {
    expect(whyNotPort({ ...dhcp, kind: "fixed", address: "192.0.2.5" })).toMatch(/prefix/);
    expect(whyNotPort({ ...dhcp, kind: "fixed", address: "2001:db8::5/64" })).toBeUndefined();
    expect(whyNotPort(dhcp)).toBeUndefined();
  });

  it("has the console at its new address on the same port", () => {
    const here = { protocol: "https:", port: "8443" };
    expect(consoleAt("192.0.2.5", here)).toBe("https://192.0.2.5:8443/settings/network");
    expect(consoleAt("2001:db8::5", here)).toBe("https://[2001:db8::5]:8443/settings/network");
  });
});

describe("a key server", () => {
  const role = { ...EMPTY_KEY_SERVER, address: "https://vault.example:8200 ", roleId: "r" };

  it("says what is missing, and a kept secret need not be typed again", () => {
    expect(whyNotKeyServer(EMPTY_KEY_SERVER, false)).toMatch(/address/);
    expect(whyNotKeyServer({ ...role, roleId: "" }, true)).toMatch(/role's id/);
    expect(whyNotKeyServer(role, false)).toMatch(/secret id/);
    expect(whyNotKeyServer({ ...role, login: "token" }, false)).toMatch(/token/);
    expect(whyNotKeyServer({ ...role, name: " " }, true)).toMatch(/under which name/);
    expect(whyNotKeyServer(role, true)).toBeUndefined();
  });

  it("is sent with what its kinds have, and shown again as it was set", () => {
    const body = keyServerBody({ ...role, secret: "s" });
    expect(body).toEqual({
      address: "https://vault.example:8200",
      secret: "s",
      login: { kind: "app_role", mount: "approle", role_id: "r" },
      way: { kind: "transit", mount: "transit", key: "fossilsafe" },
    });
    const shown = { ...body, has_secret: true, secret: null } as Parameters<typeof ofKeyServer>[0];
    expect(ofKeyServer(shown)).toEqual({ ...role, address: body.address });
    const kv = keyServerBody({ ...role, login: "token", ...withWay(role, "kv") });
    expect(kv.login).toEqual({ kind: "token" });
    expect(kv.way).toEqual({ kind: "kv", mount: "secret", folder: "fossilsafe" });
    expect(withWay({ ...role, mount: "own" }, "kv")).toEqual({ way: "kv" });
  });
});

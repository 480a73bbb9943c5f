// The dialog of a schedule: what it has no fields for stays as it is, unless a person gives it up.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import type { ScheduleView } from "../../src/api/types";
import { ScheduleEdit } from "../../src/forms/schedule-edit";
import { api } from "../../src/util/path-builder";
import { draw } from "./render";
import { type Answer, fill, serve } from "./serve";

const kept: ScheduleView = {
  name: "catalog",
  title: "Back up the catalog to /srv/catalog",
  cron: "15 4 * * SUN",
  time_zone: "Europe/Berlin",
  task: { kind: "catalog_backup", folder: "/srv/catalog" } as unknown as ScheduleView["task"],
  missed: "run_once",
  retries: { attempts: 1, after_minutes: 20 },
  is_enabled: true,
  created: "2026-11-22T12:00:00Z",
  last: null,
  next: [],
  retry_at: null,
};
const SET = { name: "docs", paths: ["/srv/docs"] };

/** The dialog of that schedule; what it sends is in the answer. */
function open() {
  const sent: unknown[] = [];
  const moments = (cron: string) => `GET ${api.preview(cron, "Europe/Berlin", 4)}`;
  const next = (): Answer => [200, { next: ["2026-11-29T03:15:00Z"] }];
  serve({
    "GET /api/sets?limit=1000": () => [200, { items: [SET], next: null }],
    [moments("15 4 * * SUN")]: next,
    [moments("15 4 * * *")]: next,
    "PUT /api/schedules/catalog": (body) => {
      sent.push(body);
      return [200, kept];
    },
  });
  const onClose = vi.fn();
  draw(<ScheduleEdit schedule={kept} onClose={onClose} />);
  return { sent, onClose };
}

function change() {
  fireEvent.click(screen.getByRole("button", { name: "Change it" }));
}

it("shows a task of another kind by its title, and sends it back as it was", async () => {
  const { sent, onClose } = open();
  const what = screen.getByLabelText<HTMLSelectElement>("What");
  expect(what.selectedOptions[0]?.textContent).toBe(kept.title);
  expect(screen.queryByLabelText("Set")).toBeNull();
  expect(await screen.findByText(/^2026-11-29 \d\d:15$/)).toBeTruthy();
  fill("How often", "daily");
  change();
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  const { missed, retries, task, time_zone } = kept;
  expect(sent).toEqual([{ cron: "15 4 * * *", time_zone, task, missed, retries }]);
});

it("gives it up for a task that is chosen, and takes it back when it is chosen again", async () => {
  const { sent, onClose } = open();
  fill("What", "backup");
  // A backup has a set, and none was chosen yet.
  expect(screen.getByText("Choose a set.")).toBeTruthy();
  change();
  expect(sent).toEqual([]);
  fill("What", "as_is");
  expect(screen.queryByText("Choose a set.")).toBeNull();
  fill("What", "backup");
  await screen.findByRole("option", { name: "docs" });
  fill("Set", "docs");
  change();
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(sent).toMatchObject([{ task: { kind: "backup", set: "docs", paths: ["/srv/docs"] } }]);
});

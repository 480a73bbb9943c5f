// What jsdom lacks of a browser and the console uses.
import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

HTMLDialogElement.prototype.showModal = function showModal() {
  this.open = true;
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
};
window.scrollTo = () => {};

/** An event source that a test speaks through. */
export class TestEvents extends EventTarget {
  static all: TestEvents[] = [];
  isClosed = false;
  readonly url: string;
  constructor(url: string) {
    super();
    this.url = url;
    TestEvents.all.push(this);
  }
  close() {
    this.isClosed = true;
  }
  say(kind: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data) }));
  }
}
vi.stubGlobal("EventSource", TestEvents);

afterEach(() => {
  cleanup();
  TestEvents.all = [];
  vi.useRealTimers();
});

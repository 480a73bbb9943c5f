// Answers of the API to what is asked of it, and a record of what was.
import { fireEvent, screen } from "@testing-library/react";
import { vi } from "vitest";

export type Answer = [status: number, body: unknown];

/** Answers each request by its method and path; what is not named fails the test. */
export function serve(answers: Record<string, (body: unknown) => Answer>) {
  const asked: string[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn(async (path: string, options: RequestInit) => {
      const name = `${options.method} ${path}`;
      asked.push(name);
      const answer = answers[name];
      if (!answer) throw new Error(`nobody answers ${name}`);
      const [status, body] = answer(options.body ? JSON.parse(String(options.body)) : undefined);
      return new Response(status === 204 ? null : JSON.stringify(body), { status });
    }),
  );
  return asked;
}

export function fill(label: string, value: string) {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
}

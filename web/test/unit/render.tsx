// Draws a part of the console with a cache and a lock of its own.
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { createQueryClient } from "../../src/api/query-client";
import { UiLockProvider } from "../../src/hooks/ui-lock";

export function draw(children: ReactNode, client: QueryClient = createQueryClient()) {
  const wrapper = ({ children: inner }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>
      <UiLockProvider>{inner}</UiLockProvider>
    </QueryClientProvider>
  );
  return { client, ...render(children, { wrapper }) };
}

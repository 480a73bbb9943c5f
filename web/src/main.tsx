// Where the console starts.
import "./styles/index.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./api/query-client";
import { ConnectionWatch } from "./components/ConnectionWatch";
import { ErrorBoundary } from "./components/ErrorBoundary";
import { LiveRegion, Toasts } from "./components/LiveRegion";
import { SessionGate } from "./components/SessionGate";
import { Shell } from "./components/Shell";
import { UiLockProvider } from "./hooks/ui-lock";
import { Routes } from "./routes";
import { startTheme } from "./stores/theme";

startTheme();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary>
        <QueryClientProvider client={createQueryClient()}>
          <UiLockProvider>
            <SessionGate>
              <ConnectionWatch />
              <Shell>
                <Routes />
              </Shell>
            </SessionGate>
            <Toasts />
            <LiveRegion />
          </UiLockProvider>
        </QueryClientProvider>
      </ErrorBoundary>
    </StrictMode>,
  );
}

// The frame around every page: skip link, bands, rail, the page in its error boundary.
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, Suspense, useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { ACCESS_KEY } from "../stores/session";
import { Waiting } from "../ui/Notice";
import { ConnectionBand, PracticeBand } from "./Bands";
import { ErrorBoundary } from "./ErrorBoundary";
import { Rail, TabBar } from "./Rail";

export function Shell({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const client = useQueryClient();
  // An answer that cannot be drawn would fail again: everything but who is signed in is asked anew.
  const forget = () =>
    void client.resetQueries({ predicate: (query) => query.queryKey[0] !== ACCESS_KEY[0] });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new place is what moves the focus
  useEffect(() => {
    // The first page keeps the browser's own focus, so that the skip link comes first.
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [location]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <div className="bands">
        <PracticeBand />
        <ConnectionBand />
      </div>
      <div className="frame">
        <Rail />
        <main id="main" className="page" ref={main} tabIndex={-1}>
          <ErrorBoundary resetKey={location} onRetry={forget}>
            <Suspense fallback={<Waiting what="the page" />}>{children}</Suspense>
          </ErrorBoundary>
        </main>
      </div>
      <TabBar />
    </>
  );
}

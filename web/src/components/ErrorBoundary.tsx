// Catches what a page throws while it is drawn: the frame stays, and Retry draws the page again where
// the person was. Never a white page.
import { Component, type ErrorInfo, type ReactNode } from "react";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";

interface Props {
  /** A new value, as after going elsewhere, forgets the error. */
  resetKey?: string;
  /** Before the page is drawn again: what it was drawn from may be the cause. */
  onRetry?: () => void;
  children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(_error: Error, _info: ErrorInfo) {
    announce("This page could not be shown. Retry is offered.");
  }

  override componentDidUpdate(before: Props) {
    if (this.state.error && before.resetKey !== this.props.resetKey) this.setState({ error: null });
  }

  private retry() {
    this.props.onRetry?.();
    this.setState({ error: null });
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Notice tone="bad">
        <h1>This page could not be shown</h1>
        <p>
          The mistake is in the console. Jobs go on and no data is touched; what you typed on other
          pages is kept.
        </p>
        <p className="mono small">{error.message}</p>
        <div className="actions">
          <Button look="primary" onClick={() => this.retry()}>
            Retry
          </Button>
          <Button onClick={() => window.location.reload()}>Load the console anew</Button>
        </div>
      </Notice>
    );
  }
}

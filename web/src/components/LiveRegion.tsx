// The one polite live region, and the notes about what a person did.
import { Link } from "wouter";
import { useAnnouncement } from "../stores/announce";
import { closeToast, useToasts } from "../stores/toasts";
import { Icon } from "../ui/Icon";

export function LiveRegion() {
  const { text, number } = useAnnouncement();
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      <span key={number}>{text}</span>
    </div>
  );
}

export function Toasts() {
  const toasts = useToasts();
  if (toasts.length === 0) return null;
  return (
    <section className="toasts" aria-label="Notes">
      {toasts.map((toast) => (
        <div key={toast.id} className={`toast ${toast.tone}`}>
          <span className={`tone-${toast.tone}`}>
            <Icon name={toast.tone} />
          </span>
          <p>
            {toast.text} {toast.link && <Link href={toast.link.href}>{toast.link.text}</Link>}
          </p>
          <button
            type="button"
            className="icon-button"
            aria-label="Close this note"
            onClick={() => closeToast(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </section>
  );
}

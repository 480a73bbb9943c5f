// A modal dialog on the browser's own: focus stays in it and comes back, Escape closes it. While it
// is open the console is locked.
import { type ReactNode, useEffect, useId, useRef } from "react";
import { createPortal } from "react-dom";
import { useUiLock } from "../hooks/ui-lock";

interface Props {
  title: string;
  children: ReactNode;
  footer: ReactNode;
  onClose: () => void;
  onSubmit?: () => void;
}

export function Dialog({ title, children, footer, onClose, onSubmit }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useUiLock(true);
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog?.open) dialog?.showModal();
    return () => dialog?.close();
  }, []);
  // Outside of the page: a wizard is a form, and forms do not nest.
  return createPortal(
    <dialog
      ref={ref}
      className="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          // React lets it rise to the form that the dialog was opened from.
          event.stopPropagation();
          onSubmit?.();
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        <footer>{footer}</footer>
      </form>
    </dialog>,
    document.body,
  );
}

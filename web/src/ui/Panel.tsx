// A titled part of a page.
import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  aside?: ReactNode;
  isFlush?: boolean;
  children: ReactNode;
}

export function Panel({ title, aside, isFlush, children }: Props) {
  const id = useId();
  return (
    <section className={isFlush ? "panel flush" : "panel"} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside && <div className="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

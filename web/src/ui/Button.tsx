// A button, or a link that looks like one. One that may not be pressed stays in the tab order and
// says why: a reason that nobody can reach helps nobody.
import { type ReactNode, useId } from "react";
import { Link } from "wouter";
import { Icon, type IconName } from "./Icon";

type Look = "primary" | "danger" | "quiet" | "small";

interface Common {
  children: ReactNode;
  icon?: IconName;
  look?: Look | Look[];
}

function classOf(look: Look | Look[] | undefined): string {
  return ["button", ...(look ? [look].flat() : [])].join(" ");
}

interface ButtonProps extends Common {
  onClick?: (() => void) | undefined;
  type?: "button" | "submit";
  /** Why it may not be pressed now; shown beside it. */
  whyNot?: string | undefined;
  isBusy?: boolean;
  label?: string;
}

export function Button({
  children,
  icon,
  look,
  onClick,
  type,
  whyNot,
  isBusy,
  label,
}: ButtonProps) {
  const id = useId();
  const isOff = whyNot !== undefined || isBusy === true;
  return (
    <>
      <button
        type={type ?? "button"}
        className={classOf(look)}
        aria-disabled={isOff || undefined}
        aria-describedby={whyNot ? id : undefined}
        aria-label={label}
        onClick={(event) => {
          if (isOff) event.preventDefault();
          else onClick?.();
        }}
      >
        {icon && <Icon name={icon} />}
        {children}
        {isBusy && "…"}
      </button>
      {whyNot && (
        <span id={id} className="why-not">
          {whyNot}
        </span>
      )}
    </>
  );
}

export function ButtonLink({ children, icon, look, href }: Common & { href: string }) {
  return (
    <Link href={href} className={classOf(look)}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

// The head of every page: its title, one sentence, its actions, and its part of the handbook.
import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import type { Topic } from "../help/topics";
import { Icon } from "../ui/Icon";
import { to } from "../util/path-builder";

interface Props {
  title: string;
  lead?: ReactNode;
  crumb?: { href: string; text: string };
  topic?: Topic;
  actions?: ReactNode;
}

export function PageHead({ title, lead, crumb, topic, actions }: Props) {
  useEffect(() => {
    document.title = `${title} · FossilSafe`;
  }, [title]);
  return (
    <header className="page-head">
      <div>
        {crumb && (
          <p className="crumb">
            <Link href={crumb.href}>{crumb.text}</Link>
          </p>
        )}
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </div>
      <div className="actions no-print">
        {actions}
        {topic && (
          <Link href={to.help(topic)} className="button quiet handbook">
            <Icon name="help" />
            <span>Handbook</span>
          </Link>
        )}
      </div>
    </header>
  );
}

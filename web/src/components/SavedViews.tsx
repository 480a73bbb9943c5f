// The views that a user keeps of a list: a press shows one, another keeps what is shown now.
import { useState } from "react";
import { Link, useSearch } from "wouter";
import { useSavedViews } from "../hooks/useSavedViews";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { ErrorBox } from "./ErrorBox";

interface Props {
  /** Under which name the list's views are kept. */
  list: string;
  /** The address of the list without filters. */
  href: string;
}

export function SavedViews({ list, href }: Props) {
  const { views, error, save, remove } = useSavedViews(list);
  const shown = useSearch();
  const [isNaming, setIsNaming] = useState(false);
  const isKept = views.some((view) => view.query === shown);
  return (
    <div className="views">
      {views.length > 0 && (
        <ul aria-label="Kept views">
          {views.map((view) => (
            <li key={view.name}>
              <Link
                href={`${href}?${view.query}`}
                aria-current={view.query === shown ? "true" : undefined}
              >
                {view.name}
              </Link>
              <button
                type="button"
                className="icon-button"
                aria-label={`Forget the view ${view.name}`}
                onClick={() => remove(view.name)}
              >
                <Icon name="close" size={12} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {shown && !isKept && (
        <Button look={["small", "quiet"]} onClick={() => setIsNaming(true)}>
          Keep this view
        </Button>
      )}
      {error && <ErrorBox error={error} />}
      {isNaming && (
        <NameView
          onName={(name) => {
            save({ name, query: shown }, () => announce(`The view ${name} is kept.`));
            setIsNaming(false);
          }}
          onClose={() => setIsNaming(false)}
        />
      )}
    </div>
  );
}

function NameView({ onName, onClose }: { onName: (name: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const whyNot = name.trim() === "" ? "It needs a name." : undefined;
  return (
    <Dialog
      title="Keep this view"
      onClose={onClose}
      onSubmit={() => whyNot === undefined && onName(name.trim())}
      footer={
        <>
          <Button onClick={onClose}>Do not keep it</Button>
          <Button type="submit" look="primary" whyNot={whyNot}>
            Keep it
          </Button>
        </>
      }
    >
      <TextField label="Name" value={name} onChange={setName} autoFocus />
    </Dialog>
  );
}

// The dialog that looks into the folders of the appliance, to choose what is backed up or where a
// restore goes.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../api/client";
import type { FolderEntry, Page } from "../api/types";
import { Ago } from "../components/Ago";
import { ErrorBox } from "../components/ErrorBox";
import { Trail } from "../components/Trail";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon, type IconName } from "../ui/Icon";
import { Waiting } from "../ui/Notice";
import { api } from "../util/path-builder";
import { formatBytes } from "../util/units";

interface Props {
  /** Where it begins. */
  start?: string;
  /** Many things are ticked, or one folder is chosen by standing in it. */
  choosing: "many" | "one-folder";
  onChoose: (paths: string[]) => void;
  onClose: () => void;
}

const PAGE = 200;

function useFolder(path: string) {
  return useInfiniteQuery({
    queryKey: ["folder", path],
    queryFn: ({ pageParam, signal }) =>
      get<Page<FolderEntry>>(api.folders({ path, limit: PAGE, after: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    staleTime: 8000,
  });
}

export function FolderChoose({ start = "/", choosing, onChoose, onClose }: Props) {
  const [path, setPath] = useState(start);
  const [taken, setTaken] = useState<readonly string[]>([]);
  const isMany = choosing === "many";
  const turn = (wanted: string) =>
    setTaken((before) =>
      before.includes(wanted) ? before.filter((each) => each !== wanted) : [...before, wanted],
    );
  const whyNot = isMany && taken.length === 0 ? "Nothing is ticked yet." : undefined;
  return (
    <Dialog
      title={isMany ? "Choose folders and files" : "Choose a folder"}
      onClose={onClose}
      onSubmit={() => whyNot === undefined && onChoose(isMany ? [...taken] : [path])}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" look="primary" whyNot={whyNot}>
            {isMany ? `Take ${taken.length || "what is ticked"}` : "Take this folder"}
          </Button>
        </>
      }
    >
      <Trail path={path} onOpen={setPath} />
      <Entries
        key={path}
        path={path}
        taken={taken}
        onOpen={setPath}
        onTurn={isMany ? turn : undefined}
      />
    </Dialog>
  );
}

const ICON: Record<FolderEntry["kind"], IconName> = {
  folder: "folder",
  file: "audit",
  link: "next",
  other: "unknown",
};

interface EntriesProps {
  path: string;
  taken: readonly string[];
  onOpen: (path: string) => void;
  onTurn: ((path: string) => void) | undefined;
}

function Entries({ path, taken, onOpen, onTurn }: EntriesProps) {
  const query = useFolder(path);
  if (query.error) return <ErrorBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <Waiting what="the folder" />;
  const items = query.data.pages
    .flatMap((page) => page.items)
    .filter((entry) => onTurn || entry.kind === "folder");
  return (
    <div className="entries">
      {items.length === 0 && (
        <p className="quiet-text">{onTurn ? "Nothing is in it." : "No folder is in it."}</p>
      )}
      <ul>
        {items.map((entry) => (
          <li key={entry.path ?? entry.name}>
            {onTurn && (
              <input
                type="checkbox"
                className="check"
                aria-label={`Take ${entry.name}`}
                disabled={!entry.path}
                checked={entry.path != null && taken.includes(entry.path)}
                onChange={() => entry.path && onTurn(entry.path)}
              />
            )}
            <Icon name={ICON[entry.kind]} />
            <EntryName entry={entry} onOpen={onOpen} />
            <span className="mono small quiet-text">
              {entry.size_bytes != null ? formatBytes(entry.size_bytes) : ""}
            </span>
            <span className="small quiet-text wide-only">
              <Ago at={entry.modified ?? null} />
            </span>
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <Button
          look="small"
          isBusy={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </div>
  );
}

function EntryName({ entry, onOpen }: { entry: FolderEntry; onOpen: (path: string) => void }) {
  const { path } = entry;
  if (!path) {
    return (
      <span className="mono">
        {entry.name} <span className="why-not">Its name is no text: take its folder.</span>
      </span>
    );
  }
  if (entry.kind !== "folder") return <span className="mono">{entry.name}</span>;
  return (
    <button type="button" className="mono link" onClick={() => onOpen(path)}>
      {entry.name}
    </button>
  );
}

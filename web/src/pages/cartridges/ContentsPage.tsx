// What is on a cartridge, folder by folder, as the catalog knows it: nothing is loaded for it.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { Link } from "wouter";
import { get } from "../../api/client";
import type { ContentEntry, Page } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { ErrorBox } from "../../components/ErrorBox";
import { PageHead } from "../../components/PageHead";
import { EVIDENCE } from "../../components/states";
import { Trail } from "../../components/Trail";
import { useQueryState } from "../../hooks/useQueryState";
import { VirtualRows } from "../../table/VirtualRows";
import { Icon, type IconName } from "../../ui/Icon";
import { Lamp } from "../../ui/Lamp";
import { Empty, Waiting } from "../../ui/Notice";
import { api, to } from "../../util/path-builder";
import { formatBytes, formatCount, formatTime } from "../../util/units";

const PAGE = 1000;

function useContents(barcode: string, path: string) {
  return useInfiniteQuery({
    queryKey: ["contents", barcode, path],
    queryFn: ({ pageParam, signal }) =>
      get<Page<ContentEntry>>(api.contents(barcode, { path, limit: PAGE, after: pageParam }), {
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    staleTime: 30_000,
  });
}

export function ContentsPage({ barcode }: { barcode: string }) {
  const [given, setPath] = useQueryState("path");
  const path = given || "/";
  const query = useContents(barcode, path);
  const pages = query.data?.pages;
  const row = useCallback(
    (entry: ContentEntry) => <Row entry={entry} barcode={barcode} />,
    [barcode],
  );
  const items = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages]);
  return (
    <>
      <PageHead
        title={`On ${barcode}`}
        crumb={{ href: to.cartridge(barcode), text: `Cartridge ${barcode}` }}
        topic="cartridges"
        lead="Of each name the newest version that is on it, what is proven of it, and where its other copies are."
      />
      <div className="stack tight">
        <Trail path={path} onOpen={(wanted) => setPath(wanted === "/" ? "" : wanted)} />
        <section className="panel flush" aria-label="What is in the folder">
          {query.error && !query.data ? (
            <ErrorBox error={query.error} onRetry={() => void query.refetch()} />
          ) : query.isPending ? (
            <div className="padded">
              <Waiting what="the folder" />
            </div>
          ) : items.length === 0 ? (
            <Empty title="Nothing is in it">
              <p>The catalog knows no file of this folder on the cartridge.</p>
            </Empty>
          ) : (
            <VirtualRows
              label="What is in the folder"
              items={items}
              hasMore={query.hasNextPage}
              onMore={() => {
                if (!query.isFetchingNextPage) void query.fetchNextPage();
              }}
              row={row}
            />
          )}
        </section>
        {items.length > 0 && (
          <p className="small quiet-text">
            <span className="mono">{formatCount(items.length)}</span> loaded
            {query.hasNextPage ? "; more come as you scroll." : "; that is all."}
          </p>
        )}
      </div>
    </>
  );
}

const ICON: Record<ContentEntry["kind"], IconName> = {
  directory: "folder",
  file: "audit",
  symlink: "next",
  hard_link: "next",
  fifo: "unknown",
  socket: "unknown",
  device: "unknown",
};

function Row({ entry, barcode }: { entry: ContentEntry; barcode: string }) {
  const isFolder = entry.kind === "directory";
  const href = isFolder ? to.contents(barcode, entry.path) : to.file(entry.path);
  return (
    <>
      <span className="entry-name">
        <Icon name={ICON[entry.kind]} />
        <Link href={href} className="mono" title={entry.path}>
          {entry.name}
        </Link>
      </span>
      <span className="clip wide-only">
        {entry.other_copies.map((copy) => (
          <CartridgeChip key={copy.volume} barcode={copy.barcode} />
        ))}
      </span>
      {entry.failure ? (
        <Lamp state={{ tone: "bad", icon: "bad", text: entry.failure }} size={13} />
      ) : entry.evidence ? (
        <Lamp state={EVIDENCE[entry.evidence]} size={13} />
      ) : (
        <span />
      )}
      <span className="mono end">
        {entry.size_bytes == null ? "" : formatBytes(entry.size_bytes)}
      </span>
      <span className="mono end wide-only">{entry.modified ? formatTime(entry.modified) : ""}</span>
    </>
  );
}

// Search in the catalog, with every condition that it knows.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { Link } from "wouter";
import { get } from "../api/client";
import { sets } from "../api/queries";
import type { FileHit, Page } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { PageHead } from "../components/PageHead";
import { PathText } from "../components/PathText";
import { EVIDENCE } from "../components/states";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useQueryState } from "../hooks/useQueryState";
import { VirtualRows } from "../table/VirtualRows";
import { SelectField, TextField } from "../ui/Field";
import { Lamp } from "../ui/Lamp";
import { Empty, Waiting } from "../ui/Notice";
import { api, to } from "../util/path-builder";
import { formatBytes, formatCount, formatTime } from "../util/units";

const PAGE = 500;

function useHits(filter: Record<string, string>) {
  return useInfiniteQuery({
    queryKey: ["search-all", filter],
    queryFn: ({ pageParam, signal }) =>
      get<Page<FileHit>>(api.search({ ...filter, limit: PAGE, after: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    enabled: Object.values(filter).some(Boolean),
    staleTime: 30_000,
  });
}

export function SearchPage() {
  const [q, setQ] = useQueryState("q");
  const [set, setSet] = useQueryState("set");
  const [extension, setExtension] = useQueryState("extension");
  const [under, setUnder] = useQueryState("under");
  const all = useLockAwareQuery(sets());
  const filter = useDeferredValue({ q: q.trim(), set, extension, under });
  const query = useHits(filter);
  const hits = query.data?.pages.flatMap((page) => page.items) ?? [];
  const names = (all.data?.items ?? []).map((each) => ({ value: each.name, text: each.name }));
  return (
    <>
      <PageHead
        title="Search"
        topic="search"
        lead="Every file that was ever backed up, by its path."
      />
      <div className="filters">
        <TextField
          className="grow"
          label="Words or parts of the path"
          type="search"
          value={q}
          onChange={setQ}
        />
        <SelectField
          label="Set"
          value={set}
          onChange={setSet}
          options={[{ value: "", text: "All sets" }, ...names]}
        />
        <TextField
          label="Ends in"
          value={extension}
          onChange={setExtension}
          placeholder="jpg"
          isMono
        />
        <TextField
          label="Below the folder"
          value={under}
          onChange={setUnder}
          placeholder="/srv/photos"
          isMono
        />
      </div>
      <section className="panel flush" aria-label="Files found">
        {query.error && !query.data ? (
          <ErrorBox error={query.error} onRetry={() => void query.refetch()} />
        ) : !Object.values(filter).some(Boolean) ? (
          <Empty title="Say what you look for">
            <p>Two letters are enough. Parts of words count, upper and lower case do not.</p>
          </Empty>
        ) : query.isPending ? (
          <div style={{ padding: "1.15rem" }}>
            <Waiting what="the files" />
          </div>
        ) : hits.length === 0 ? (
          <Empty title="No file is like that">
            <p>Try fewer letters or fewer conditions.</p>
          </Empty>
        ) : (
          <VirtualRows
            label="Files"
            items={hits}
            row={drawHit}
            hasMore={query.hasNextPage}
            onMore={() => {
              if (!query.isFetchingNextPage) void query.fetchNextPage();
            }}
          />
        )}
      </section>
      {hits.length > 0 && (
        <p className="small quiet-text" style={{ marginTop: "0.6rem" }}>
          <span className="mono">{formatCount(hits.length)}</span> loaded
          {query.hasNextPage ? "; more come as you scroll." : "; that is all."}
        </p>
      )}
    </>
  );
}

const drawHit = (hit: FileHit) => <Hit hit={hit} />;

function Hit({ hit }: { hit: FileHit }) {
  return (
    <>
      <Link href={to.file(hit.path, hit.set)} className="mono clip">
        <PathText path={hit.path} />
      </Link>
      <span className="quiet-text clip">{hit.set}</span>
      <Lamp state={EVIDENCE[hit.evidence]} size={13} />
      <span className="mono end">{formatBytes(hit.size_bytes)}</span>
      <span className="mono end wide-only">{formatTime(hit.modified)}</span>
    </>
  );
}

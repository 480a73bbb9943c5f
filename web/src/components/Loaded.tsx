// The answer of a question, or what stands in its place: waiting, refused, or old but still shown.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Waiting } from "../ui/Notice";
import { ErrorBox } from "./ErrorBox";

interface Props<T> {
  query: UseQueryResult<T>;
  what: string;
  /** As `Waiting` has it. */
  heightRem?: number;
  /** Of a page whose head comes with the answer: what it is headed with until then, and if none comes. */
  head?: ReactNode;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, what, heightRem, head, children }: Props<T>) {
  // An answer that is there stays there: an error of a later question is told by the banner.
  if (query.data !== undefined) return children(query.data);
  return (
    <>
      {head}
      {query.error ? (
        <ErrorBox error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Waiting what={what} heightRem={heightRem} />
      )}
    </>
  );
}

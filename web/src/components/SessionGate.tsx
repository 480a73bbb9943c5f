// Lets in who is signed in; shows first-run setup or sign-in to everybody else.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { ApiError, get } from "../api/client";
import type { SessionView } from "../api/types";
import { useSignOut } from "../hooks/useSignOut";
import { comeBack } from "../pages/access/by-provider";
import { ChoosePassword } from "../pages/access/ChoosePassword";
import { SetUpFactor } from "../pages/access/SetUpFactor";
import { Setup } from "../pages/access/Setup";
import { SignIn } from "../pages/access/SignIn";
import { ACCESS_KEY, setSession } from "../stores/session";
import { api } from "../util/path-builder";
import { ErrorBox } from "./ErrorBox";

type Access =
  | { is: "in"; session: SessionView }
  | { is: "out"; refusal?: unknown }
  | { is: "setup" };

/** After an answer that was none. */
const AGAIN_MS = 5000;

async function findAccess(): Promise<Access> {
  const end = await comeBack();
  // The page asks for the session while it loads, and that answer is from before.
  if (end && "session" in end) return { is: "in", session: end.session };
  try {
    return { is: "in", session: await get<SessionView>(api.session()) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem.status !== 401) throw error;
  }
  // Asked only of those who are not in: everybody else sees home one answer earlier.
  const setup = await get<{ needed: boolean }>(api.setup());
  return setup.needed ? { is: "setup" } : { is: "out", refusal: end?.refusal };
}

export function SessionGate({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const signOut = useSignOut();
  const access = useQuery({
    queryKey: ACCESS_KEY,
    queryFn: findAccess,
    staleTime: Number.POSITIVE_INFINITY,
    // Nothing else asks while nobody is in.
    refetchInterval: (query) => (query.state.error ? AGAIN_MS : false),
  });
  const session = access.data?.is === "in" ? access.data.session : null;
  // Before children ask anything: the token has to be there for their first change.
  setSession(session);
  useEffect(() => {
    // Any 401 later means that the session has ended.
    return client.getQueryCache().subscribe((event) => {
      const error = event.query.state.error;
      const isEnd = error instanceof ApiError && error.problem.code === "not_signed_in";
      if (
        isEnd &&
        event.type === "updated" &&
        client.getQueryData<Access>(ACCESS_KEY)?.is === "in"
      ) {
        client.setQueryData<Access>(ACCESS_KEY, { is: "out" });
      }
    });
  }, [client]);
  const onEntered = () => void client.invalidateQueries();
  if (access.data?.is === "setup") return <Setup onEntered={onEntered} />;
  if (access.data?.is === "out") {
    return <SignIn onEntered={onEntered} refusal={access.data.refusal} />;
  }
  if (session?.is_password_interim) {
    return <ChoosePassword user={session.user} onEntered={onEntered} onSignOut={signOut} />;
  }
  if (session?.is_factor_missing) {
    return <SetUpFactor user={session.user} onEntered={onEntered} onSignOut={signOut} />;
  }
  if (session) return children;
  if (access.error) {
    return (
      <div className="center">
        <div className="panel">
          <ErrorBox error={access.error} onRetry={() => void access.refetch()} />
        </div>
      </div>
    );
  }
  // As index.html has it.
  return <p className="boot">FossilSafe</p>;
}

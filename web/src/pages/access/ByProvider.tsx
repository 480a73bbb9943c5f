// The other way in, where an admin has set an identity provider.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../../api/client";
import type { OidcOffer } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { Button } from "../../ui/Button";
import { api } from "../../util/path-builder";
import { leave } from "./by-provider";

export function ByProvider({ refusal }: { refusal: unknown }) {
  const [error, setError] = useState(refusal);
  const offer = useQuery({
    queryKey: ["oidc", "offer"],
    queryFn: () => get<OidcOffer>(api.oidcOffer()),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const label = offer.data?.label;
  return (
    <>
      {error !== undefined && <ErrorBox error={error} />}
      {label && (
        <Button
          onClick={() => {
            setError(undefined);
            leave().catch(setError);
          }}
        >
          Sign in with {label}
        </Button>
      )}
    </>
  );
}

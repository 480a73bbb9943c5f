//! The routes about one cartridge, about the log, and about signing in by a provider or a passkey.

use hyper::Method;

use super::Answered::{Done, Json, Text};
use super::Asked::{self, Nothing};
use super::{Operation, of};
use crate::api::types::{
    AliasRequest, CartridgeEventView, CartridgeLossView, CartridgeView, CleanUpRequest,
    CleanUpResult, ContentEntry, KeptUntilRequest, LocationRequest, LockRequest, LogLine,
    LogRetention, ManifestView, NewPasskey, OidcAnswer, OidcOffer, OidcSettings, OidcStart,
    OidcState, Page, PasskeyAnswer, PasskeyName, PasskeyOffer, PasskeyQuestion, PasskeyView,
    PasswordOnly, SessionView,
};

/// A download.
const FILE: &str = "application/octet-stream";

operations! {
    GET "/api/auth/passkeys" "Passkeys" "One's own, by name; an admin sees all."
        Nothing => 200 Json(of::<Page<PasskeyView>>);
    POST "/api/auth/passkeys/start" "Begin to make a passkey"
        "What `navigator.credentials.create` needs, for the name at which the console was opened."
        Asked::Json(of::<PasswordOnly>) => 200 Json(of::<PasskeyOffer>);
    POST "/api/auth/passkeys" "Keep a passkey that was made"
        "Refused if it was made for another site, or by a device that did not verify its user."
        Asked::Json(of::<NewPasskey>) => 201 Json(of::<PasskeyView>);
    PATCH "/api/auth/passkeys/{id}" "Rename a passkey" "Its name is for people only."
        Asked::Json(of::<PasskeyName>) => 200 Json(of::<PasskeyView>);
    DELETE "/api/auth/passkeys/{id}" "Remove a passkey" "Nobody signs in with it any more."
        Nothing => 204 Done;
    POST "/api/auth/passkeys/sign-in/start" "Begin to sign in with a passkey"
        "What `navigator.credentials.get` needs. Nobody is told who has passkeys."
        Nothing => 200 Json(of::<PasskeyQuestion>);
    POST "/api/auth/passkeys/sign-in" "Sign in with a passkey"
        "The device has verified its user, so no code is asked for beside it. Sets the session's cookie."
        Asked::Json(of::<PasskeyAnswer>) => 200 Json(of::<SessionView>);

    GET "/api/auth/oidc" "What the sign-in page offers"
        "What stands on the button for the identity provider; nothing if none is set."
        Nothing => 200 Json(of::<OidcOffer>);
    POST "/api/auth/oidc/start" "Begin to sign in by the identity provider"
        "Where the browser goes, and a word that the page keeps and sends along at the end."
        Nothing => 200 Json(of::<OidcStart>);
    POST "/api/auth/oidc/finish" "Sign in who is back from the identity provider"
        "With what the provider put into the address of `/sign-in/return`. Sets the session's cookie."
        Asked::Json(of::<OidcAnswer>) => 200 Json(of::<SessionView>);
    GET "/api/oidc" "The identity provider" "Its settings, without the client's secret."
        Nothing => 200 Json(of::<OidcState>);
    PUT "/api/oidc" "Set the identity provider"
        "It is asked at once, and refused if it does not answer as one."
        Asked::Json(of::<OidcSettings>) => 200 Json(of::<OidcState>);
    DELETE "/api/oidc" "Take the identity provider away"
        "Its users stay, and cannot sign in."
        Nothing => 204 Done;

    GET "/api/cartridges/{barcode}/contents" "What is on a cartridge"
        "A folder on it, by name: of each name the newest version that it holds, what is proven of it, and its \
         copies elsewhere. A page may be short and have a next one."
        Nothing => 200 Json(of::<Page<ContentEntry>>);
    GET "/api/cartridges/{barcode}/history" "The life of a cartridge"
        "Loads, moves, what was written and verified, errors, what people ordered: newest first, a page at a time."
        Nothing => 200 Json(of::<Page<CartridgeEventView>>);
    GET "/api/cartridges/{barcode}/loss" "What would be lost with a cartridge"
        "Files of which no other proven copy would be left: counted, and the first of them. Looks at every file \
         on it."
        Nothing => 200 Json(of::<CartridgeLossView>);
    GET "/api/cartridges/{barcode}/manifests" "The manifests of the runs on a cartridge"
        "What each run has signed of what it put there, oldest first."
        Nothing => 200 Json(of::<Page<ManifestView>>);
    GET "/api/cartridges/{barcode}/manifests/{run}" "A manifest as a file"
        "RUN.manifest: `fossilsafe manifest verify` checks it with nothing but a public key that was kept."
        Nothing => 200 Text(FILE);
    GET "/api/cartridges/{barcode}/manifests/{run}/signature" "The signature of a manifest as a file"
        "RUN.sig: belongs beside the manifest."
        Nothing => 200 Text(FILE);
    PUT "/api/cartridges/{barcode}/alias" "Give a cartridge another name"
        "No two have the same one."
        Asked::Json(of::<AliasRequest>) => 200 Json(of::<CartridgeView>);
    PUT "/api/cartridges/{barcode}/location" "Say where a cartridge was put"
        "For one that is in no library; it ends when it is in one again."
        Asked::Json(of::<LocationRequest>) => 200 Json(of::<CartridgeView>);
    PUT "/api/cartridges/{barcode}/lock" "Lock a cartridge"
        "Nothing is written to it until it is unlocked; a job that is writing to it already ends its part there."
        Asked::OptionalJson(of::<LockRequest>) => 200 Json(of::<CartridgeView>);
    DELETE "/api/cartridges/{barcode}/lock" "Unlock a cartridge" "It may be written again."
        Nothing => 200 Json(of::<CartridgeView>);
    PUT "/api/cartridges/{barcode}/retention" "Keep what is on a cartridge"
        "It is not formatted before that moment, which can be made later and not earlier. An attempt raises an alarm."
        Asked::Json(of::<KeptUntilRequest>) => 200 Json(of::<CartridgeView>);
    DELETE "/api/cartridges/{barcode}/retention" "End the retention of a cartridge"
        "Before its time this raises an alarm."
        Nothing => 200 Json(of::<CartridgeView>);

    GET "/api/logs" "The log"
        "Lines by words, level, job and time, newest first, a page at a time. The journal has them too."
        Nothing => 200 Json(of::<Page<LogLine>>);
    POST "/api/logs/cleanup" "Take old lines away"
        "By the standing order, or by what is asked for. It happens by itself every hour."
        Asked::OptionalJson(of::<CleanUpRequest>) => 200 Json(of::<CleanUpResult>);
    GET "/api/logs/retention" "How long lines are kept" "Days, and most lines."
        Nothing => 200 Json(of::<LogRetention>);
    PUT "/api/logs/retention" "Change how long lines are kept" "What is older goes within the hour."
        Asked::Json(of::<LogRetention>) => 200 Json(of::<LogRetention>);
}

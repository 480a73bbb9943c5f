//! The whole API: method, path, who may ask, the query names that are read, the handler.
//!
//! Who may ask stands in the table and is checked in one place, `auth::admit`, before any handler. A path's
//! literal parts win over names in braces by standing first.

use hyper::{Method, StatusCode};

use super::call::{Answer, Call};
use super::error::ApiError;
use super::query::decode;
use super::{
    alerts, api_keys, approvals, audit, auth, cartridge_book, cartridges, catalog, certificate,
    diagnostics, files, jobs, keys, kms, library, logs, network, schedules, second_factor,
    self_tests, sessions, sets, settings, sources, streaming, system, updates, users,
};
use crate::people::Role;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Nobody in particular: these are asked before signing in.
    Anyone,
    /// Somebody who may look, at the least.
    Viewer,
    /// Somebody who may start work that loses nothing.
    Operator,
    /// Somebody who may say who may do what.
    Admin,
    /// The same, and a second one who agrees, if the two-person rule is on: it destroys, or gives rights
    /// to destroy.
    TwoAdmins,
}

impl Need {
    /// The least role; none if nobody need be signed in.
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Self::Anyone => None,
            Self::Viewer => Some(Role::Viewer),
            Self::Operator => Some(Role::Operator),
            Self::Admin | Self::TwoAdmins => Some(Role::Admin),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) need: Need,
    pub(super) query: &'static [&'static str],
    pub(super) handler: fn(&Call) -> Result<Answer, ApiError>,
}

/// What is handed to its handler while it comes, instead of being read whole first.
const STREAMED: &str = "/api/updates/bundle";

impl Route {
    /// Whether its body is handed on while it comes.
    pub(super) fn is_streamed(&self) -> bool {
        self.path == STREAMED
    }

    /// The part of the API that it belongs to, by which keys are limited. Outside of `/api` there are the
    /// events of jobs only.
    pub(super) fn area(&self) -> &'static str {
        self.path.split('/').nth(2).unwrap_or("jobs")
    }
}

/// True for a part of the API.
pub(super) fn is_area(name: &str) -> bool {
    ROUTES.iter().any(|route| route.area() == name)
}

macro_rules! routes {
    ($($method:ident $path:literal $need:ident $query:tt => $handler:path;)*) => {
        /// Every endpoint.
        pub(super) const ROUTES: &[Route] = &[
            $(Route {
                method: Method::$method,
                path: $path,
                need: Need::$need,
                query: &$query,
                handler: $handler,
            }),*
        ];
    };
}

routes! {
    GET "/api/healthz" Anyone [] => system::health;
    GET "/api/status" Viewer [] => system::status;
    POST "/api/status/look" Operator [] => system::look_again;
    GET "/api/diagnostics/bundle" Admin [] => diagnostics::bundle;
    GET "/api/alerts" Viewer ["open", "after", "limit"] => alerts::list;
    POST "/api/alerts/{id}/acknowledge" Operator [] => alerts::acknowledge;
    GET "/api/notifications/channels" Admin [] => alerts::channels;
    PUT "/api/notifications/channels/{name}" Admin [] => alerts::put_channel;
    DELETE "/api/notifications/channels/{name}" Admin [] => alerts::remove_channel;
    POST "/api/notifications/channels/{name}/test" Admin [] => alerts::test_channel;
    GET "/api/notifications/deliveries" Admin ["channel", "after", "limit"] => alerts::deliveries;

    GET "/api/version" Anyone [] => system::version;
    GET "/api/openapi.json" Anyone [] => system::openapi;
    GET "/api/setup" Anyone [] => auth::setup_needed;
    POST "/api/setup" Anyone [] => auth::set_up;
    POST "/api/auth/session" Anyone [] => auth::sign_in;
    GET "/api/auth/session" Viewer [] => auth::show;
    DELETE "/api/auth/session" Viewer [] => auth::sign_out;
    PUT "/api/auth/password" Viewer [] => auth::change_password;
    POST "/api/auth/totp" Viewer [] => auth::propose_totp;
    POST "/api/auth/totp/confirm" Viewer [] => auth::confirm_totp;
    POST "/api/auth/totp/remove" Viewer [] => auth::stop_totp;
    POST "/api/auth/recovery-codes" Viewer [] => second_factor::renew_codes;
    GET "/api/second-factor/rule" Admin [] => second_factor::rule;
    PUT "/api/second-factor/rule" TwoAdmins [] => second_factor::set_rule;

    GET "/api/auth/passkeys" Viewer [] => auth::list_passkeys;
    POST "/api/auth/passkeys" Viewer [] => auth::create_passkey;
    POST "/api/auth/passkeys/start" Viewer [] => auth::start_passkey;
    POST "/api/auth/passkeys/sign-in" Anyone [] => auth::sign_in_by_passkey;
    POST "/api/auth/passkeys/sign-in/start" Anyone [] => auth::start_passkey_sign_in;
    PATCH "/api/auth/passkeys/{id}" Viewer [] => auth::rename_passkey;
    DELETE "/api/auth/passkeys/{id}" Viewer [] => auth::remove_passkey;

    GET "/api/auth/oidc" Anyone [] => auth::oidc_offer;
    POST "/api/auth/oidc/start" Anyone [] => auth::start_oidc;
    POST "/api/auth/oidc/finish" Anyone [] => auth::finish_oidc;
    GET "/api/oidc" Admin [] => auth::oidc_settings;
    PUT "/api/oidc" TwoAdmins [] => auth::set_oidc;
    DELETE "/api/oidc" Admin [] => auth::remove_oidc;

    GET "/api/users" Admin [] => users::list;
    POST "/api/users" TwoAdmins [] => users::create;
    GET "/api/users/{name}" Admin [] => users::show;
    PATCH "/api/users/{name}" TwoAdmins [] => users::change;
    DELETE "/api/users/{name}" TwoAdmins [] => users::remove;
    POST "/api/users/{name}/password" TwoAdmins [] => users::reset_password;
    GET "/api/preferences" Viewer [] => users::preferences;
    PUT "/api/preferences" Viewer [] => users::set_preferences;
    GET "/api/keys" Viewer [] => api_keys::list;
    POST "/api/keys" Viewer [] => api_keys::create;
    DELETE "/api/keys/{id}" Viewer [] => api_keys::revoke;
    GET "/api/sessions" Viewer [] => sessions::list;
    DELETE "/api/sessions/{id}" Viewer [] => sessions::end;
    GET "/api/approvals" Admin ["after", "limit"] => approvals::list;
    POST "/api/approvals/{id}/approve" Admin [] => approvals::approve;
    POST "/api/approvals/{id}/refuse" Admin [] => approvals::refuse;
    GET "/api/approvals/rule" Admin [] => approvals::rule;
    PUT "/api/approvals/rule" TwoAdmins [] => approvals::set_rule;
    GET "/api/audit" Admin [
        "actor", "action", "outcome", "since", "until", "after", "limit"
    ] => audit::list;
    GET "/api/audit/verify" Admin [] => audit::verify;
    GET "/api/audit/export" Admin [] => audit::export;

    GET "/api/logs" Admin ["q", "level", "job", "since", "until", "after", "limit"] => logs::list;
    POST "/api/logs/cleanup" Admin [] => logs::clean_up;
    GET "/api/logs/retention" Admin [] => logs::retention;
    PUT "/api/logs/retention" Admin [] => logs::set_retention;

    GET "/api/system/metrics/prometheus" Viewer [] => system::metrics;

    GET "/api/library" Viewer [] => library::show;
    POST "/api/library/inventory" Operator [] => library::inventory;
    POST "/api/library/moves" Operator [] => library::move_cartridge;
    GET "/api/library/drives/{serial}/health" Viewer [] => library::drive_health;
    POST "/api/library/drives/{serial}/clean" Operator [] => library::clean;
    GET "/api/library/drives/{serial}/reservation" Viewer [] => library::reservation;
    POST "/api/library/drives/{serial}/reservation" TwoAdmins [] => library::take_drive;

    GET "/api/library/calibration" Viewer ["after", "limit"] => self_tests::calibrations;
    POST "/api/library/calibration" Operator [] => self_tests::calibrate;
    GET "/api/self-tests" Viewer ["after", "limit"] => self_tests::list;
    POST "/api/self-tests" Operator [] => self_tests::start;
    GET "/api/self-tests/{id}" Viewer [] => self_tests::show;

    GET "/api/cartridges" Viewer ["state", "set", "after", "limit"] => cartridges::list;
    GET "/api/cartridges/{barcode}" Viewer [] => cartridges::show;
    POST "/api/cartridges/{barcode}/format" TwoAdmins [] => cartridges::format;
    GET "/api/cartridges/{barcode}/contents" Viewer ["path", "after", "limit"] =>
        cartridge_book::contents;
    GET "/api/cartridges/{barcode}/history" Viewer ["after", "limit"] => cartridge_book::history;
    GET "/api/cartridges/{barcode}/loss" Viewer ["limit"] => cartridge_book::loss;
    GET "/api/cartridges/{barcode}/manifests" Viewer [] => cartridge_book::manifests;
    GET "/api/cartridges/{barcode}/manifests/{run}" Viewer [] => cartridge_book::manifest;
    GET "/api/cartridges/{barcode}/manifests/{run}/signature" Viewer [] =>
        cartridge_book::signature;
    PUT "/api/cartridges/{barcode}/alias" Operator [] => cartridge_book::set_alias;
    PUT "/api/cartridges/{barcode}/location" Operator [] => cartridge_book::set_location;
    PUT "/api/cartridges/{barcode}/lock" Operator [] => cartridge_book::lock;
    DELETE "/api/cartridges/{barcode}/lock" Operator [] => cartridge_book::unlock;
    PUT "/api/cartridges/{barcode}/retention" Admin [] => cartridge_book::retain;
    DELETE "/api/cartridges/{barcode}/retention" TwoAdmins [] => cartridge_book::release;

    GET "/api/sets" Viewer ["after", "limit"] => sets::list;
    GET "/api/sets/{set}" Viewer [] => sets::show;
    GET "/api/runs" Viewer ["set", "after", "limit"] => sets::runs;
    GET "/api/runs/{run}" Viewer [] => sets::run;
    GET "/api/evidence" Viewer ["set", "run", "cartridge"] => sets::evidence;

    POST "/api/backups" Operator [] => jobs::backup;
    POST "/api/backups/estimate" Operator [] => jobs::estimate_backup;
    POST "/api/verify" Operator [] => jobs::verify;
    POST "/api/restore/plan" Viewer [] => jobs::plan_restore;
    POST "/api/restore" Operator [] => jobs::restore;

    GET "/api/files/search" Viewer [
        "q", "set", "run", "extension", "under", "size_bytes_min", "size_bytes_max",
        "modified_after", "modified_before", "after", "limit"
    ] => files::search;
    GET "/api/files/versions" Viewer ["path", "set", "after", "limit"] => files::versions;

    GET "/api/jobs" Viewer ["state", "kind", "active", "after", "limit"] => jobs::list;
    GET "/api/jobs/events" Viewer ["after"] => jobs::all_events;
    GET "/ws" Viewer ["after"] => jobs::socket;
    GET "/api/jobs/{id}" Viewer [] => jobs::show;
    GET "/api/jobs/{id}/events" Viewer ["after"] => jobs::events;
    GET "/api/jobs/{id}/history" Viewer ["after", "limit"] => jobs::history;
    POST "/api/jobs/{id}/pause" Operator [] => jobs::pause;
    POST "/api/jobs/{id}/resume" Operator [] => jobs::resume;
    POST "/api/jobs/{id}/cancel" Operator [] => jobs::cancel;
    PUT "/api/jobs/{id}/priority" Operator [] => jobs::prioritise;

    GET "/api/schedules" Viewer ["after", "limit"] => schedules::list;
    POST "/api/schedules" Operator [] => schedules::create;
    GET "/api/schedules/{name}" Viewer [] => schedules::show;
    PUT "/api/schedules/{name}" Operator [] => schedules::change;
    DELETE "/api/schedules/{name}" Operator [] => schedules::remove;
    POST "/api/schedules/{name}/enable" Operator [] => schedules::enable;
    POST "/api/schedules/{name}/disable" Operator [] => schedules::disable;
    POST "/api/schedules/{name}/run" Operator [] => schedules::run;
    GET "/api/schedules/{name}/events" Viewer ["after", "limit"] => schedules::events;
    GET "/api/schedule-preview" Viewer ["cron", "time_zone", "count", "from"] => schedules::preview;
    GET "/api/maintenance-windows" Viewer [] => schedules::windows;
    PUT "/api/maintenance-windows/{name}" Operator [] => schedules::put_window;
    DELETE "/api/maintenance-windows/{name}" Operator [] => schedules::remove_window;

    GET "/api/sources" Viewer [] => sources::list;
    PUT "/api/sources/{name}" Admin [] => sources::put;
    DELETE "/api/sources/{name}" Admin [] => sources::remove;
    POST "/api/sources/{name}/mount" Operator [] => sources::mount;
    GET "/api/folders" Operator ["path", "after", "limit"] => sources::folder;

    GET "/api/network" Viewer [] => network::show;
    PUT "/api/network/ports/{port}" Admin [] => network::try_out;
    POST "/api/network/confirm" Admin [] => network::confirm;
    POST "/api/network/back" Admin [] => network::go_back;
    PUT "/api/network/host-name" Admin [] => network::name;
    GET "/api/system/time" Viewer [] => network::time;
    PUT "/api/system/time" Admin [] => network::set_time;

    GET "/api/streaming" Viewer [] => streaming::show;
    PUT "/api/streaming" Admin [] => streaming::set;
    GET "/api/streaming/disks" Viewer [] => streaming::disks;
    POST "/api/streaming/disks/{disk}/format" TwoAdmins [] => streaming::format;

    GET "/api/certificate" Viewer [] => certificate::show;
    PUT "/api/certificate" Admin [] => certificate::replace;
    POST "/api/certificate/self-signed" Admin [] => certificate::make_own;
    POST "/api/certificate/request" Admin [] => certificate::request;
    DELETE "/api/certificate/request" Admin [] => certificate::withdraw;

    GET "/api/updates" Viewer [] => updates::show;
    POST "/api/updates/bundle" Admin [] => updates::take_bundle;
    POST "/api/updates/check" Admin [] => updates::check;
    POST "/api/updates/install" TwoAdmins [] => updates::install;
    POST "/api/updates/restart" Admin [] => updates::restart;
    POST "/api/updates/rollback" TwoAdmins [] => updates::roll_back;
    PUT "/api/updates/channel" TwoAdmins [] => updates::set_channel;
    DELETE "/api/updates/channel" Admin [] => updates::remove_channel;

    GET "/api/pools" Viewer [] => keys::pools;
    POST "/api/pools" Admin [] => keys::create_pool;
    POST "/api/pools/{pool}/rotate" Admin [] => keys::rotate_pool;
    GET "/api/pools/{pool}/expired" Viewer [] => keys::expired;
    PUT "/api/pools/{pool}/retention" Admin [] => keys::set_retention;
    GET "/api/kits" Viewer [] => keys::kits;
    POST "/api/kits/print" Admin [] => keys::print_kit;
    POST "/api/kits/confirm" Admin [] => keys::confirm_kit;
    POST "/api/kits/drill" Operator [] => keys::drill_kit;
    POST "/api/kits/drill-on-tape" Operator [] => keys::drill_on_tape;
    POST "/api/kits/open" TwoAdmins [] => keys::open_keys;
    POST "/api/kits/{kit}/retire" TwoAdmins [] => keys::retire_kit;
    GET "/api/kms" Admin [] => kms::show;
    PUT "/api/kms" TwoAdmins [] => kms::set;
    DELETE "/api/kms" Admin [] => kms::remove;
    POST "/api/kms/test" Admin [] => kms::prove;
    POST "/api/kms/rewrap" Admin [] => kms::rewrap;

    POST "/api/catalog/rebuild" TwoAdmins [] => catalog::rebuild;
    GET "/api/settings" Admin [] => settings::export;
    POST "/api/settings/import" Admin ["dry_run"] => settings::import;

    GET "/api/catalog/backups" Operator ["folder"] => catalog::backups;
    POST "/api/catalog/backups" Operator [] => catalog::back_up;
    GET "/api/catalog/check" Viewer [] => catalog::check;
}

/// A route that matches a path, with the parts of the path that it names.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) route: &'static Route,
    pub(super) parameters: Vec<(&'static str, String)>,
}

/// Finds the route of a request.
pub(super) fn find(method: &Method, path: &str) -> Result<Match, ApiError> {
    let mut allowed = Vec::new();
    for route in ROUTES {
        let Some(parameters) = parameters_of(route.path, path) else { continue };
        if route.method == *method {
            let decoded = parameters.into_iter().map(|(name, raw)| Ok((name, text(raw)?)));
            return Ok(Match { route, parameters: decoded.collect::<Result<_, ApiError>>()? });
        }
        allowed.push(route.method.as_str());
    }
    if allowed.is_empty() {
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "route_unknown",
            format!("There is nothing at {path}."),
            "Check the address; the API is listed in src/api/routes.rs.",
        ));
    }
    Err(ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{path} does not answer to {method}."),
        format!("Use {}.", allowed.join(" or ")),
    ))
}

fn text(raw: &str) -> Result<String, ApiError> {
    String::from_utf8(decode(raw)?).map_err(|error| ApiError::invalid("path", error))
}

/// Matches part by part, before decoding: an encoded slash belongs to a name.
fn parameters_of<'p>(pattern: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(want), Some(part)) => {
                let name = want.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                match name {
                    Some(name) if !part.is_empty() => parameters.push((name, part)),
                    None if want == part => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reading needs no more than looking, but for who may do what; changing needs more, but for what is
    /// one's own.
    #[test]
    fn every_endpoint_is_reachable_and_has_the_role_that_its_effect_asks_for() {
        const OWN: &[&str] = &["auth", "preferences", "keys", "sessions"];
        // Addresses of receivers are often secrets by themselves.
        const OF_ADMINS: &[&str] = &[
            "users",
            "approvals",
            "audit",
            "notifications",
            "diagnostics",
            "logs",
            "settings",
            "oidc",
            "kms",
            "second-factor",
        ];
        for route in ROUTES {
            let path = route.path.replace(['{', '}'], "");
            let found = find(&route.method, &path).unwrap().route;
            assert_eq!(found.path, route.path, "hidden by an earlier line");
            let area = route.area();
            // What is in the folders of the machine is for those who choose what is kept.
            let is_of_folders = area == "folders" || route.path == "/api/catalog/backups";
            let is_look = route.method == Method::GET && !is_of_folders;
            let changes = !is_look && !route.path.ends_with("/plan");
            if OF_ADMINS.contains(&area) {
                assert!(route.need >= Need::Admin, "{}", route.path);
            } else if !OWN.contains(&area) && route.need != Need::Anyone {
                assert_eq!(changes, route.need >= Need::Operator, "{}", route.path);
            }
        }
    }

    #[test]
    fn nobody_need_sign_in_for_these_and_for_nothing_else() {
        let open: Vec<String> = ROUTES
            .iter()
            .filter(|route| route.need == Need::Anyone)
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        let wanted = [
            "GET /api/healthz",
            "GET /api/version",
            "GET /api/openapi.json",
            "GET /api/setup",
            "POST /api/setup",
            "POST /api/auth/session",
            "POST /api/auth/passkeys/sign-in",
            "POST /api/auth/passkeys/sign-in/start",
            "GET /api/auth/oidc",
            "POST /api/auth/oidc/start",
            "POST /api/auth/oidc/finish",
        ];
        assert_eq!(open, wanted);
    }

    #[test]
    fn what_destroys_or_gives_rights_needs_two_admins_where_the_rule_is_on() {
        let destroys = |route: &Route| {
            // What gives out or forgets keys is as final as what erases; what replaces the program, or says
            // who may, decides all the rest.
            let endings = [
                "/format",
                "/rebuild",
                "/reservation",
                "/rule",
                "/open",
                "/retire",
                "/install",
                "/rollback",
            ];
            let is_trust = route.method == Method::PUT
                && ["/api/updates/channel", "/api/oidc", "/api/kms"].contains(&route.path);
            let is_right = route.area() == "users" && route.method != Method::GET;
            let is_release = route.method == Method::DELETE && route.path.ends_with("/retention");
            is_right
                || is_release
                || is_trust
                || route.method != Method::GET
                    && endings.iter().any(|end| route.path.ends_with(end))
        };
        for route in ROUTES {
            assert_eq!(destroys(route), route.need == Need::TwoAdmins, "{}", route.path);
        }
    }

    #[test]
    fn names_in_paths_are_decoded_after_splitting() {
        let found = find(&Method::GET, "/api/runs/a%2Fb%20c").unwrap();
        assert_eq!(found.parameters, [("run", "a/b c".to_owned())]);
        assert!(find(&Method::GET, "/api/runs/%FF").is_err());
    }

    #[test]
    fn an_unknown_path_and_a_wrong_method_are_told_apart() {
        let status = |method, path| find(&method, path).unwrap_err().status;
        assert_eq!(status(Method::GET, "/api/nothing"), StatusCode::NOT_FOUND);
        assert_eq!(status(Method::GET, "/api/runs/"), StatusCode::NOT_FOUND);
        assert_eq!(status(Method::DELETE, "/api/jobs/1"), StatusCode::METHOD_NOT_ALLOWED);
    }
}

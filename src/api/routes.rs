//! The whole API: method, path, the role that may ask, the query names that are read, the handler.
//!
//! Roles are not checked yet, since there are no users; they are decided here so that no endpoint is
//! ever added without one. A path's literal parts win over names in braces by standing first.

use hyper::{Method, StatusCode};

use super::call::{Answer, Call};
use super::error::ApiError;
use super::query::decode;
use super::{cartridges, catalog, files, jobs, keys, library, schedules, sets, system};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Without signing in.
    Anyone,
    /// May look.
    Viewer,
    /// May start work that loses nothing.
    Operator,
    /// May destroy.
    Admin,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) role: Role,
    pub(super) query: &'static [&'static str],
    pub(super) handler: fn(&Call) -> Result<Answer, ApiError>,
}

macro_rules! routes {
    ($($method:ident $path:literal $role:ident $query:tt => $handler:path;)*) => {
        /// Every endpoint.
        pub(super) const ROUTES: &[Route] = &[
            $(Route {
                method: Method::$method,
                path: $path,
                role: Role::$role,
                query: &$query,
                handler: $handler,
            }),*
        ];
    };
}

routes! {
    GET "/api/healthz" Anyone [] => system::health;
    GET "/api/version" Anyone [] => system::version;
    GET "/api/openapi.json" Anyone [] => system::openapi;
    GET "/api/system/metrics/prometheus" Viewer [] => system::metrics;

    GET "/api/library" Viewer [] => library::show;
    POST "/api/library/inventory" Operator [] => library::inventory;
    POST "/api/library/moves" Operator [] => library::move_cartridge;
    GET "/api/library/drives/{serial}/reservation" Viewer [] => library::reservation;
    POST "/api/library/drives/{serial}/reservation" Admin [] => library::take_drive;

    GET "/api/cartridges" Viewer ["state", "set", "after", "limit"] => cartridges::list;
    GET "/api/cartridges/{barcode}" Viewer [] => cartridges::show;
    POST "/api/cartridges/{barcode}/format" Admin [] => cartridges::format;

    GET "/api/sets" Viewer ["after", "limit"] => sets::list;
    GET "/api/sets/{set}" Viewer [] => sets::show;
    GET "/api/runs" Viewer ["set", "after", "limit"] => sets::runs;
    GET "/api/runs/{run}" Viewer [] => sets::run;
    GET "/api/evidence" Viewer ["set", "run", "cartridge"] => sets::evidence;

    POST "/api/backups" Operator [] => jobs::backup;
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

    GET "/api/pools" Viewer [] => keys::pools;
    POST "/api/pools" Admin [] => keys::create_pool;
    POST "/api/pools/{pool}/rotate" Admin [] => keys::rotate_pool;
    GET "/api/kits" Viewer [] => keys::kits;
    POST "/api/kits/print" Admin [] => keys::print_kit;
    POST "/api/kits/confirm" Admin [] => keys::confirm_kit;
    POST "/api/kits/drill" Operator [] => keys::drill_kit;
    POST "/api/kits/open" Admin [] => keys::open_keys;
    POST "/api/kits/{kit}/retire" Admin [] => keys::retire_kit;

    POST "/api/catalog/rebuild" Admin [] => catalog::rebuild;
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

    #[test]
    fn every_endpoint_is_reachable_and_has_the_role_that_its_effect_asks_for() {
        for route in ROUTES {
            let path = route.path.replace(['{', '}'], "");
            let found = find(&route.method, &path).unwrap().route;
            assert_eq!(found.path, route.path, "hidden by an earlier line");
            let changes = route.method != Method::GET && !route.path.ends_with("/plan");
            assert_eq!(changes, route.role >= Role::Operator, "{}", route.path);
        }
        let destroys = |route: &Route| {
            // What makes, gives out or forgets keys is as final as what erases.
            let endings = [
                "/format",
                "/rebuild",
                "/reservation",
                "/pools",
                "/rotate",
                "/print",
                "/confirm",
                "/open",
                "/retire",
            ];
            route.method == Method::POST && endings.iter().any(|end| route.path.ends_with(end))
        };
        assert!(ROUTES.iter().all(|route| destroys(route) == (route.role == Role::Admin)));
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

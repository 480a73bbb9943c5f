//! `fossilsafe user`: who may sign in.

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, moment, moment_or_dash};
use crate::api::types::{
    NewUserRequest, Page, PasskeyView, ResetPasswordRequest, SecondFactorPolicy, UserChange,
    UserView, UserWithPassword,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::Secret;
use crate::people::{Role, SecondFactorRule};

const USERS: &str = "/api/users";
const PASSKEYS: &str = "/api/auth/passkeys";
const FACTOR_RULE: &str = "/api/second-factor/rule";

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List users
    List,
    /// Make a user; without --password-stdin a password is made up, good for signing in and choosing one
    Create(CreateArguments),
    /// Change what a user may do
    Role(RoleArguments),
    /// Keep a user from signing in, and end the sessions and keys
    Disable(NameArguments),
    /// Let a user sign in again
    Enable(NameArguments),
    /// Set a password for a user who has forgotten theirs
    ResetPassword(ResetArguments),
    /// Show or say who needs a second factor to sign in
    SecondFactor {
        /// off, admins or everybody; without it the rule is shown
        #[arg(value_parser = rule_of)]
        required_for: Option<SecondFactorRule>,
    },
    /// List passkeys: keys of users' devices
    Passkeys,
    /// Remove a passkey, of a device that was lost for example
    RemovePasskey {
        /// Its number, as `user passkeys` lists it
        number: i64,
    },
    /// Remove a user; what the user did stays in the audit log
    Remove(NameArguments),
}

#[derive(Debug, Args)]
pub(super) struct NameArguments {
    /// Name of the user
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// Name of the user
    name: String,
    /// What the user may do: viewer, operator or admin
    #[arg(long)]
    role: Role,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct RoleArguments {
    /// Name of the user
    name: String,
    /// viewer, operator or admin
    role: Role,
}

#[derive(Debug, Args)]
pub(super) struct ResetArguments {
    /// Name of the user
    name: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Take the second factor and all passkeys away too: they were lost
    #[arg(long)]
    remove_second_factor: bool,
}

pub(super) fn run(command: UserCommand, context: &Context) -> Result<Exit, AppError> {
    let client = &context.client;
    let disabled = |is_disabled| UserChange { role: None, is_disabled: Some(is_disabled) };
    match command {
        UserCommand::List => list(context),
        UserCommand::Create(CreateArguments { name, role, password_stdin }) => {
            let password = typed(password_stdin)?;
            let made = client.post(USERS, &NewUserRequest { name, role, password })?;
            with_password(&made, context)
        }
        UserCommand::ResetPassword(arguments) => {
            let path = Address::new(USERS).part(&arguments.name).part("password");
            let request = ResetPasswordRequest {
                password: typed(arguments.password_stdin)?,
                remove_second_factor: arguments.remove_second_factor,
            };
            let made = client.post(path.as_str(), &request)?;
            with_password(&made, context)
        }
        UserCommand::SecondFactor { required_for } => second_factor(required_for, context),
        UserCommand::Passkeys => list_passkeys(context),
        UserCommand::RemovePasskey { number } => {
            let () = client.delete(&format!("{PASSKEYS}/{number}"))?;
            context.done(&format!("Passkey {number} is removed."))
        }
        UserCommand::Remove(NameArguments { name }) => {
            let () = client.delete(Address::new(USERS).part(&name).as_str())?;
            context.done(&format!("User {name} is removed."))
        }
        UserCommand::Role(RoleArguments { name, role }) => {
            change(&name, &UserChange { role: Some(role), is_disabled: None }, context)
        }
        UserCommand::Disable(NameArguments { name }) => change(&name, &disabled(true), context),
        UserCommand::Enable(NameArguments { name }) => change(&name, &disabled(false), context),
    }
}

fn rule_of(text: &str) -> Result<SecondFactorRule, String> {
    let known = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    known.map_err(|_| "write off, admins or everybody".to_owned())
}

fn second_factor(
    required_for: Option<SecondFactorRule>,
    context: &Context,
) -> Result<Exit, AppError> {
    let policy: SecondFactorPolicy = match required_for {
        Some(required_for) => {
            context.client.put(FACTOR_RULE, &SecondFactorPolicy { required_for })?
        }
        None => context.client.get(FACTOR_RULE)?,
    };
    let sentence = match policy.required_for {
        SecondFactorRule::Off => "A second factor is required for nobody.",
        SecondFactorRule::Admins => "A second factor is required for admins.",
        SecondFactorRule::Everybody => "A second factor is required for everybody.",
    };
    context.output.report(&policy, sentence)
}

pub(super) fn typed(is_wanted: bool) -> Result<Option<Secret>, AppError> {
    if !is_wanted {
        return Ok(None);
    }
    let mut line = String::new();
    let what = || "cannot read the password from standard input".to_owned();
    let read = std::io::stdin().read_line(&mut line);
    read.map_err(|source| AppError::Io { what: what(), source })?;
    Ok(Some(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())))
}

fn list_passkeys(context: &Context) -> Result<Exit, AppError> {
    let page: Page<PasskeyView> = context.client.get(PASSKEYS)?;
    if context.output.is_json {
        context.output.json(&page.items)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NUMBER", "USER", "PASSKEY", "GOOD AT", "MADE", "LAST USED"]);
    for passkey in page.items {
        let PasskeyView { id, user, name, site, created, last_used } = passkey;
        let (made, used) = (moment(created), moment_or_dash(last_used));
        table.row(vec![id.to_string(), user, name, site, made, used]);
    }
    context.output.table(&table, "Nobody has a passkey.")?;
    Ok(Exit::Done)
}

fn list(context: &Context) -> Result<Exit, AppError> {
    let users: Page<UserView> = context.client.get(USERS)?;
    if context.output.is_json {
        context.output.json(&users)?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["NAME", "ROLE", "STATE", "SECOND FACTOR", "MADE", "LAST SIGNED IN"]);
    for user in users.items {
        let state = match (user.is_disabled, user.is_password_interim) {
            (true, _) => "disabled",
            (false, true) => "has to choose a password",
            (false, false) => "active",
        };
        table.row(vec![
            user.name,
            user.role.to_string(),
            state.to_owned(),
            if user.has_second_factor { "yes" } else { "no" }.to_owned(),
            moment(user.created),
            moment_or_dash(user.last_sign_in),
        ]);
    }
    let nobody =
        "There are no users: make an admin with `fossilsafe user create NAME --role admin`.";
    context.output.table(&table, nobody)?;
    Ok(Exit::Done)
}

fn change(name: &str, wanted: &UserChange, context: &Context) -> Result<Exit, AppError> {
    let path = Address::new(USERS).part(name);
    let user: UserView = context.client.patch(path.as_str(), wanted)?;
    if context.output.is_json {
        context.output.json(&user)?;
    } else {
        let state = if user.is_disabled { "disabled" } else { "active" };
        context.output.line(&format!("User {} is {} and {state}.", user.name, user.role))?;
    }
    Ok(Exit::Done)
}

fn with_password(made: &UserWithPassword, context: &Context) -> Result<Exit, AppError> {
    if context.output.is_json {
        context.output.json(made)?;
        return Ok(Exit::Done);
    }
    let UserView { name, role, .. } = &made.user;
    context.output.line(&format!("User {name} is {role}."))?;
    if let Some(password) = &made.interim_password {
        let password = password.reveal();
        let text = format!(
            "Password: {password}  (shown once; the first thing to do is to choose another)"
        );
        context.output.line(&text)?;
    }
    Ok(Exit::Done)
}

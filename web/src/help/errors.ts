// A page for each code that the API or a job can end with: what it means, whether data is at risk,
// what to do. The sentence about this very case comes from the API and stands beside it.

export interface ErrorPage {
  title: string;
  meaning: string;
  risk: string;
  steps: readonly string[];
}

const SAFE = "No data is at risk: nothing was changed.";
const KEPT =
  "What was on tape before is untouched. What this job wrote counts only as far as its evidence says.";

export const ERROR_PAGES: Record<string, ErrorPage> = {
  // Requests
  request_invalid: {
    title: "The request cannot be right",
    meaning: "A name, number or path in the request does not have the form that it must have.",
    risk: SAFE,
    steps: ["Read which part is named, correct it, and send it again."],
  },
  bad_request: {
    title: "The request cannot be done",
    meaning: "The request was understood, and asks for something that does not fit together.",
    risk: SAFE,
    steps: ["Correct what the message names."],
  },
  bad_cursor: {
    title: "The list has moved on",
    meaning: "The place at which a list was to go on is not one of this list.",
    risk: SAFE,
    steps: ["Load the list from its beginning."],
  },
  cartridge_locked: {
    title: "The cartridge is locked",
    meaning: "A person has ordered that nothing is written to this cartridge.",
    risk: SAFE,
    steps: [
      "Use another cartridge.",
      "Who locked it, and why, is shown with the cartridge; it can be unlocked there.",
    ],
  },
  cartridge_retained: {
    title: "The cartridge is to be kept",
    meaning:
      "A person has ordered that what is on this cartridge is not erased before a date. The attempt has raised an alert.",
    risk: SAFE,
    steps: ["Use another cartridge.", "The date is shown with the cartridge."],
  },
  cartridge_worm: {
    title: "The cartridge can be written once only",
    meaning: "This is a WORM cartridge with something on it: it can never be formatted again.",
    risk: SAFE,
    steps: ["Use another cartridge."],
  },
  cartridge_here: {
    title: "The cartridge is in the library",
    meaning: "Where it is put away can be said of a cartridge that is in no library.",
    risk: SAFE,
    steps: ["Take it out by a mail slot; then say where you put it."],
  },
  retention_past: {
    title: "That moment has passed",
    meaning: "A cartridge is kept until a moment to come.",
    risk: SAFE,
    steps: ["Name a later moment."],
  },
  retention_shorter: {
    title: "The cartridge is to be kept for longer",
    meaning: "A retention can be made longer, and not shorter.",
    risk: SAFE,
    steps: ["Name a later moment.", "An admin can end the whole order, which raises an alert."],
  },
  logs_unavailable: {
    title: "The log cannot be read or written",
    meaning: "The file of log lines in the data folder is damaged, or its disk refuses.",
    risk: "No data is at risk: the file holds nothing but the log.",
    steps: [
      "Check the disk of the data folder.",
      "Move logs.db away; it is begun anew at the next start.",
    ],
  },
  manifest_missing: {
    title: "No manifest is kept here",
    meaning: "The signed list of what that run put on the cartridge is not in the data folder.",
    risk: "No data is at risk: the manifest is on the cartridge too.",
    steps: ["Load the cartridge with any LTFS software: it is in .fossilsafe/runs."],
  },
  source_unknown: {
    title: "There is no such network source",
    meaning: "No share, folder or bucket is kept under that name.",
    risk: SAFE,
    steps: ["Look at the list of network sources."],
  },
  source_malformed: {
    title: "A source cannot be like that",
    meaning:
      "A part of the description is nothing that a server can mean: a slash in the name of a host, an empty share.",
    risk: SAFE,
    steps: ["Correct the part that the message names."],
  },
  source_away: {
    title: "The other machine does not answer",
    meaning:
      "The share is kept, and its server cannot be reached. Nothing in it counts as deleted while it is away.",
    risk: "What is on tape is untouched. What has changed there since the last backup is not kept yet.",
    steps: [
      "Switch the other machine on and check the network between the two.",
      "Mount the source again; a schedule tries by itself at its next moment.",
    ],
  },
  source_refused: {
    title: "The other machine refuses",
    meaning: "It answers, and does not let this user in, or has no share of that name.",
    risk: SAFE,
    steps: [
      "Check user, password and the name of the share on the other machine, and set the source again.",
    ],
  },
  source_in_use: {
    title: "A job uses this source",
    meaning: "A backup reads it or a restore writes into it; it cannot be removed meanwhile.",
    risk: SAFE,
    steps: ["Wait for the job, or end it."],
  },
  updates_no_slots: {
    title: "This installation has no slots",
    meaning:
      "FossilSafe runs here as a package or as a program, not from the appliance's image. Its system is updated by other means.",
    risk: SAFE,
    steps: [
      "With the Debian package: install the newer package with apt.",
      "With a program that somebody started: put the newer one in its place and start it again.",
    ],
  },
  update_running: {
    title: "An installation is running",
    meaning: "One update at a time is written to the other slot.",
    risk: SAFE,
    steps: ["Wait until it has ended; the page for updates shows how far it is."],
  },
  update_no_bundle: {
    title: "There is nothing to install",
    meaning: "No bundle was uploaded, and the channel has published nothing that is newer.",
    risk: SAFE,
    steps: ["Upload a bundle, or ask the channel."],
  },
  update_refused: {
    title: "The bundle is not taken",
    meaning:
      "Its signature is not by a certificate that this machine trusts, it is damaged, or it is for another kind of machine.",
    risk: SAFE,
    steps: [
      "Fetch the bundle again from where it is published, and compare its checksum.",
      "If it stays so, do not install it: somebody may have changed it on the way.",
    ],
  },
  update_not_newer: {
    title: "The bundle is not newer than what runs",
    meaning: "An older version may not be able to read what the present one has written.",
    risk: SAFE,
    steps: ["Take a newer bundle, or allow an older one on purpose."],
  },
  update_nothing_before: {
    title: "There is nothing to go back to",
    meaning: "What is in the other slot was not written whole, or has never shown that it works.",
    risk: SAFE,
    steps: ["Install a bundle of the version that is wanted."],
  },
  update_channel_not_set: {
    title: "No channel is set",
    meaning: "This machine was not told where newer versions are published.",
    risk: SAFE,
    steps: ["Set the address and the key of a channel, or upload bundles by hand."],
  },
  update_channel_malformed: {
    title: "The channel's settings cannot be used",
    meaning: "The address is none, or the key is no Ed25519 public key in PEM.",
    risk: SAFE,
    steps: ["Correct the part that the message names."],
  },
  update_channel_unusable: {
    title: "The channel's answer cannot be used",
    meaning:
      "It did not answer, or what it says is wrongly signed, older than what was seen before, or not valid any more.",
    risk: SAFE,
    steps: [
      "Check the address and the network.",
      "Check the clock of this machine: with a wrong one nothing is valid.",
      "If the signature is wrong or the file is older, somebody may be holding updates back: ask the publisher.",
    ],
  },
  update_no_room: {
    title: "There is no room for the bundle",
    meaning: "The data partition would be left too full for the catalog.",
    risk: SAFE,
    steps: ["Remove restored files from this machine, or use a larger disk."],
  },
  streaming_malformed: {
    title: "Data cannot go to the drive like that",
    meaning: "Memory, staging folder or a rate is not one that can work on this machine.",
    risk: SAFE,
    steps: ["Correct what the message names, and send it again."],
  },
  staging_disk_not_taken_here: {
    title: "Disks are not taken here",
    meaning:
      "This machine was not started from an image of FossilSafe; its own tools keep its disks.",
    risk: SAFE,
    steps: ["Format and mount a disk with the tools of the system, then name a folder of it."],
  },
  staging_disk_unknown: {
    title: "There is no such disk",
    meaning: "The name is not that of a disk of this appliance.",
    risk: SAFE,
    steps: ["Take the name from the list of disks on the page for streaming."],
  },
  staging_disk_in_use: {
    title: "The disk cannot be taken",
    meaning:
      "It is the system's, is mounted, has another system on it, or there is a staging disk already.",
    risk: SAFE,
    steps: ["Choose another disk, or free this one first: the message says what uses it."],
  },
  staging_disk_not_confirmed: {
    title: "What had to be typed was not",
    meaning: "A disk is erased only if erase and its name were typed to the letter.",
    risk: SAFE,
    steps: ["Look once more whether it is the right disk, then type it."],
  },
  staging_disk_unavailable: {
    title: "The disk could not be taken",
    meaning: "The service for it does not answer, or the disk did not take its file system.",
    risk: "No tape and no data of the appliance is touched. What was on that disk may be gone.",
    steps: [
      "Look at the journal of fossilsafe-staging and of srv-staging.mount.",
      "Try another disk or another port.",
    ],
  },
  certificate_not_served_here: {
    title: "HTTPS is not served here",
    meaning:
      "This program answers over plain HTTP to its own machine alone and has no certificate.",
    risk: SAFE,
    steps: ["Run engine and gateway as two services, or the appliance."],
  },
  certificate_malformed: {
    title: "It is no certificate, key or name",
    meaning: "What was given cannot be read as PEM text, or a name is not that of a host.",
    risk: SAFE,
    steps: [
      "Give the text with its lines -----BEGIN and -----END.",
      "Turn a file in another form into PEM first, as with openssl x509 or openssl pkcs12.",
    ],
  },
  certificate_key_locked: {
    title: "The private key needs a password",
    meaning: "Nobody could type its password when the appliance starts.",
    risk: SAFE,
    steps: [
      "Take the password off with openssl pkey -in key.pem -out plain.pem, and give that one.",
    ],
  },
  certificate_key_mismatch: {
    title: "Key and certificate do not belong together",
    meaning: "The certificate was made for another key.",
    risk: SAFE,
    steps: [
      "Give the key with which the certificate was asked for.",
      "If the server's own certificate is not the first in the text, put it there.",
    ],
  },
  certificate_key_missing: {
    title: "There is no key for the certificate",
    meaning: "None was given, and no signing request waits here.",
    risk: SAFE,
    steps: ["Give the key too, or make a signing request and have that one signed."],
  },
  certificate_not_valid: {
    title: "Browsers would refuse the certificate",
    meaning: "It has ended, is not good yet, or names no host.",
    risk: SAFE,
    steps: [
      "Ask the authority for a new one.",
      "If its time seems right, look at the clock of this machine.",
    ],
  },
  certificate_chain_broken: {
    title: "The chain does not hold together",
    meaning:
      "One of the certificates did not sign the one before it, or one between them is missing.",
    risk: SAFE,
    steps: ["Put the server's own certificate first, then each one that signed the one before."],
  },
  certificate_unavailable: {
    title: "The gateway cannot be asked for its certificate",
    meaning:
      "The service between the network and the engine does not answer, or cannot write its files.",
    risk: SAFE,
    steps: [
      "Start the service for the gateway, or look at the journal of fossilsafe-gateway.",
      "Make room on the data partition.",
    ],
  },
  network_not_set_here: {
    title: "Network and time are not set here",
    meaning:
      "This machine was not started from an image of FossilSafe; its own tools keep its network and clock.",
    risk: SAFE,
    steps: ["Use the tools of its system, as nmtui, networkctl or timedatectl."],
  },
  network_port_unknown: {
    title: "There is no such port",
    meaning: "The name is not that of a network port for a cable.",
    risk: SAFE,
    steps: ["Take the name from the page for the network."],
  },
  network_malformed: {
    title: "That setting cannot work",
    meaning:
      "An address, its prefix, the gateway, a server, the name or the time zone cannot be as it is written; the message says which and why.",
    risk: SAFE,
    steps: ["Correct it and send it again. Nothing was changed."],
  },
  network_trial_running: {
    title: "Another setting is on trial",
    meaning: "One setting at a time waits to be kept.",
    risk: SAFE,
    steps: ["Keep it or take it back first; by itself it goes back after two minutes."],
  },
  network_no_trial: {
    title: "No setting is on trial",
    meaning: "It was kept, taken back, or went back because nobody kept it in time.",
    risk: SAFE,
    steps: ["Look at what the port has, and try the setting out again if it is not there."],
  },
  network_unavailable: {
    title: "The network cannot be set or read",
    meaning:
      "The service for it does not run, the network service of the system refuses, or the data partition cannot be written.",
    risk: SAFE,
    steps: [
      "Look at the journal of fossilsafe-network and of systemd-networkd.",
      "The serial console sets a port without this page.",
    ],
  },
  updates_unavailable: {
    title: "The service for updates does not answer",
    meaning: "It does not run, or the boot state or the data partition cannot be read or written.",
    risk: SAFE,
    steps: [
      "Look at the journal of fossilsafe-update.",
      "The serial console can install a bundle and go back without this page.",
    ],
  },
  update_jobs_active: {
    title: "A job is at work",
    meaning: "Installing and restarting wait until no job is at work, unless that is asked for.",
    risk: SAFE,
    steps: [
      "Wait for the job, or ask for it during jobs: they go on from a safe point afterwards.",
    ],
  },
  engine_rescue: {
    title: "The engine cannot open what it keeps",
    meaning:
      "The data partition is full, read-only, missing, or was written by a newer version. The engine answers with the reason and tries again by itself.",
    risk: "Nothing was changed. Tapes are untouched, and no job is at work.",
    steps: [
      "Do what the message says; the engine works again within half a minute after it.",
      "If this page cannot be reached: the serial console shows the same, and can go back to the other slot.",
    ],
  },
  sources_unavailable: {
    title: "Shares cannot be mounted here",
    meaning:
      "The service that mounts network sources does not run, may not mount, or the kernel lacks the file system.",
    risk: SAFE,
    steps: [
      "On the appliance: look at the journal of fossilsafe-sources.",
      "Elsewhere: mount the share by other means and back up the folder.",
    ],
  },
  source_host_key: {
    title: "The server's key has to be compared",
    meaning:
      "Nobody has confirmed the key that the SSH server shows, or it shows another one than the confirmed. Nothing was sent to it.",
    risk: "A machine in its place would see the password and could give other files. Nothing of that has happened.",
    steps: [
      "On the other machine, ask for the fingerprint: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub.",
      "If it is the one that is shown here, confirm it on the page of the sources. If it is not, do not.",
    ],
  },
  path_no_folder: {
    title: "That is no folder",
    meaning: "Only folders can be listed.",
    risk: SAFE,
    steps: ["List the folder that it is in."],
  },
  bad_key: {
    title: "Not the key of that host",
    meaning: "Taking a drive from another host needs that host's reservation key, typed exactly.",
    risk: SAFE,
    steps: ["Read the key again on the drive's page and type it."],
  },
  not_json: {
    title: "Not JSON",
    meaning:
      "The request's content type is not application/json. Forms of foreign web pages are refused this way.",
    risk: SAFE,
    steps: ["Send the request with Content-Type: application/json."],
  },
  request_too_large: {
    title: "The request is too large",
    meaning: "A request may have one megabyte.",
    risk: SAFE,
    steps: ["Name folders instead of many single files."],
  },
  request_too_slow: {
    title: "The request took too long to arrive",
    meaning: "The whole request has to arrive within half a minute.",
    risk: SAFE,
    steps: ["Send it again; look at the network if it happens again."],
  },
  method_not_allowed: {
    title: "This address does not take that method",
    meaning: "The address exists, with other methods.",
    risk: SAFE,
    steps: ["Use the method that the message names."],
  },
  route_unknown: {
    title: "There is nothing at this address",
    meaning: "The API has no such address.",
    risk: SAFE,
    steps: [
      "Check the address.",
      "If the console itself asked for it, console and engine are of different versions: load the console anew.",
    ],
  },
  origin_refused: {
    title: "The request came from a foreign page",
    meaning: "A web page of another address tried to use this appliance through your browser.",
    risk: "Nothing was done. Close the page that you did not expect.",
    steps: ["Open the console by the address that FossilSafe shows at its start."],
  },
  answer_unreadable: {
    title: "An answer that cannot be read",
    meaning:
      "Something between the browser and the appliance answered instead of it, or the answer was cut.",
    risk: "A request that changes something may have been carried out: look before you repeat it.",
    steps: [
      "Load the page again and look whether it was done.",
      "Look at the gateway's log under the request id.",
    ],
  },
  unknown: {
    title: "There is no such thing",
    meaning: "The job, cartridge, set, run or drive is not in the catalog.",
    risk: SAFE,
    steps: ["Look the name up in its list; it may have been spelled differently."],
  },
  bug: {
    title: "A mistake in FossilSafe",
    meaning: "The program met a case that it should have handled.",
    risk: "Tape and catalog are kept consistent even then. Evidence that was given stays true.",
    steps: ["Note the request id or the job's number.", "Report it with the log."],
  },
  // Signing in
  user_not_trusted: {
    title: "This user of the machine may not steer the engine",
    meaning:
      "On the engine's own socket only root and the user that the engine runs as are admins.",
    risk: SAFE,
    steps: ["Run the command as root or as that user.", "Or use an address and an API key."],
  },
  not_this_machine: {
    title: "Only from this machine",
    meaning: "The request came over the network and is answered only on the machine itself.",
    risk: SAFE,
    steps: ["Do it on the appliance's own terminal."],
  },
  not_signed_in: {
    title: "Not signed in",
    meaning: "The session has ended or there was none.",
    risk: SAFE,
    steps: ["Sign in again; what you have typed in this window is kept until you close it."],
  },
  role_insufficient: {
    title: "Your role may not do this",
    meaning:
      "Viewers look, operators start work that loses nothing, admins may destroy and change settings.",
    risk: SAFE,
    steps: ["Ask an admin to do it or to give you the role that the message names."],
  },
  csrf_missing: {
    title: "The request does not prove that it is from the console",
    meaning: "A request that changes something carries a token which only the console knows.",
    risk: SAFE,
    steps: ["Load the console anew and try again."],
  },
  not_recognised: {
    title: "User, password or code is wrong",
    meaning:
      "The appliance does not tell which of them, so that nobody learns which users there are.",
    risk: SAFE,
    steps: ["Type them again.", "A lost admin password is reset on the serial console."],
  },
  sign_in_busy: {
    title: "Too many people sign in at one time",
    meaning: "Checking a password takes memory on purpose; only some are checked at one time.",
    risk: SAFE,
    steps: ["Try again in a moment."],
  },
  setup_done: {
    title: "There is an admin already",
    meaning: "The first run is over.",
    risk: SAFE,
    steps: ["Sign in; an admin can make more users."],
  },
  no_user: {
    title: "Only for a signed-in user",
    meaning:
      "The request came from the machine itself or with a key, and is about a user's own account.",
    risk: SAFE,
    steps: ["Sign in as a user."],
  },
  people_unavailable: {
    title: "Users cannot be read",
    meaning: "The file with users and sessions does not answer; its disk may be full.",
    risk: "Tapes, catalog and jobs are not touched.",
    steps: ["Check the disk of the data folder."],
  },
  password_change_needed: {
    title: "Choose a password first",
    meaning: "An admin has set an interim password.",
    risk: SAFE,
    steps: ["Choose one of your own."],
  },
  second_factor_required: {
    title: "Set up a second factor first",
    meaning: "An admin has made it a rule here, and this person has none yet.",
    risk: SAFE,
    steps: ["Set up an authenticator app or a passkey; the page offers both."],
  },
  scope_insufficient: {
    title: "This key may not do this",
    meaning: "An API key does only what its scopes name.",
    risk: SAFE,
    steps: ["Make a key with the scope that the message names."],
  },
  session_needed: {
    title: "Only for who is signed in",
    meaning: "A key cannot be used for this.",
    risk: SAFE,
    steps: ["Sign in as a user."],
  },
  conflict: {
    title: "That would not fit together",
    meaning: "The message says with what, as the last admin or a name that is taken.",
    risk: SAFE,
    steps: ["Do what the message says."],
  },
  exists: {
    title: "The name is taken",
    meaning: "There is already something of this name.",
    risk: SAFE,
    steps: ["Choose another name, or change the one that is there."],
  },
  schedule_unreadable: {
    title: "A schedule cannot be read",
    meaning: "It was written by another release or is damaged.",
    risk: "It starts nothing until it is made anew. Nothing that was backed up is touched.",
    steps: ["Remove it and make it anew."],
  },
  websocket_required: {
    title: "This address speaks WebSocket only",
    meaning: "A plain request was sent to the address of live events.",
    risk: SAFE,
    steps: ["Connect with a WebSocket, or follow /api/jobs/events."],
  },
  too_many_attempts: {
    title: "Too many attempts",
    meaning: "Signing in is slowed down after several wrong passwords.",
    risk: SAFE,
    steps: ["Wait as long as the message says."],
  },
  setup_code_wrong: {
    title: "Not the one-time code",
    meaning:
      "The code is printed on the terminal or the log when FossilSafe starts without an admin.",
    risk: SAFE,
    steps: ["Read it again there; it changes with each start."],
  },
  // Jobs
  wrong_state: {
    title: "Not in this state",
    meaning: "The thing is in a state in which this cannot be asked of it.",
    risk: SAFE,
    steps: ["Look at its state; the page shows what may be asked now."],
  },
  job_state: {
    title: "The job is in another state",
    meaning: "It has ended, or it has moved on between your look and your click.",
    risk: SAFE,
    steps: ["Look at the job again."],
  },
  job_refused: {
    title: "The job was not accepted",
    meaning: "Something that it needs is not there; the message names it.",
    risk: SAFE,
    steps: ["Do what the message says and start it again."],
  },
  job_unreadable: {
    title: "The job's record cannot be read",
    meaning: "It was written by another release or is damaged.",
    risk: "Files and evidence are not in this record; they are untouched.",
    steps: ["Start the work as a new job."],
  },
  source: {
    title: "A source cannot be read",
    meaning: "A path of the backup does not exist or may not be read.",
    risk: KEPT,
    steps: [
      "Check that the path is there and mounted, and that FossilSafe may read it.",
      "Start the job again.",
    ],
  },
  data_path: {
    title: "The data path stopped",
    meaning: "Memory or the staging folder could not be used as configured.",
    risk: KEPT,
    steps: ["Check free memory and the staging folder's disk.", "Resume the job."],
  },
  work_files: {
    title: "Work files cannot be written",
    meaning: "The data folder's disk is full or failing.",
    risk: KEPT,
    steps: ["Make room on the disk of the data folder.", "Start the job again."],
  },
  destination: {
    title: "The destination cannot be written",
    meaning: "The folder of a restore does not exist, has no room, or may not be written.",
    risk: "The tapes are only read. Files that were restored before the error are whole.",
    steps: ["Choose a folder with room that can be written, or restore fewer files."],
  },
  keys: {
    title: "The keys cannot be read",
    meaning: "The folder with the appliance's keys is missing or damaged.",
    risk: "Existing tapes stay readable. Their signatures cannot be checked by this appliance until the keys are back.",
    steps: ["Restore the keys folder from a copy. Never delete what is left of it."],
  },
  // Cartridges and volumes
  wrong_cartridge: {
    title: "The wrong cartridge",
    meaning:
      "The cartridge in the drive is not the one that was asked for, whatever its label says.",
    risk: "Nothing was written to it.",
    steps: [
      "Put the right cartridge in.",
      "If two cartridges carry one label, give one of them another.",
    ],
  },
  cartridge_missing: {
    title: "A cartridge is not in the library",
    meaning: "The job needs it and waits.",
    risk: SAFE,
    steps: ["Put it into a mail slot.", "Take inventory.", "Resume the job."],
  },
  cartridge_absent: {
    title: "A cartridge is not in the library",
    meaning: "It was not seen at the last inventory.",
    risk: SAFE,
    steps: ["Put it into a mail slot and take inventory."],
  },
  cartridge_unknown: {
    title: "No such cartridge",
    meaning: "Neither the library nor the catalog knows this barcode.",
    risk: SAFE,
    steps: ["Compare the label with what you typed."],
  },
  cartridge_bad: {
    title: "The cartridge failed",
    meaning: "The drive reported errors that come from the medium.",
    risk: "Files on this cartridge may be harder to read. Other copies are not affected.",
    steps: [
      "Use another cartridge.",
      "Verify what this one holds.",
      "Make the set's copies complete again.",
    ],
  },
  barcode_twice: {
    title: "Two cartridges with one label",
    meaning: "A barcode must name one cartridge.",
    risk: "Nothing is written while that is so.",
    steps: ["Take one of them out, or give it another label."],
  },
  volume: {
    title: "The volume cannot be used",
    meaning: "Label or index on the cartridge are not as LTFS wants them.",
    risk: "Nothing was written. Other copies are not affected.",
    steps: [
      "Run fossilsafe ltfs check on the cartridge; it says what can be repaired without loss.",
    ],
  },
  volume_corrupt: {
    title: "The volume is damaged",
    meaning: "What was read does not agree with its own sums.",
    risk: "Files on this cartridge may be lost. Other copies are not affected.",
    steps: [
      "Run fossilsafe ltfs check on the cartridge.",
      "Restore from another copy if there is one.",
    ],
  },
  volume_changed: {
    title: "Something else wrote to this cartridge",
    meaning: "The volume is newer than what this appliance wrote last.",
    risk: "Nothing more is written to it until it has been checked.",
    steps: ["Run fossilsafe ltfs check on it.", "Use another cartridge for now."],
  },
  volume_full: {
    title: "The cartridge is full",
    meaning: "The room that is left is kept for the index.",
    risk: "What is written is indexed and safe.",
    steps: [
      "Put another formatted cartridge into the library.",
      "Start the job again, or resume it: it goes on there.",
    ],
  },
  needs_repair: {
    title: "The volume needs repair",
    meaning: "It was not closed in order, most likely by a power cut.",
    risk: "What was indexed before is safe; the rest is recovered by the repair where possible.",
    steps: ["Run fossilsafe ltfs repair on the cartridge. It never overwrites."],
  },
  manifest: {
    title: "A manifest cannot be read or trusted",
    meaning: "The list of files on the cartridge is damaged, or its signature does not agree.",
    risk: "The files themselves may be whole; what they are cannot be proven by this manifest.",
    steps: ["Run fossilsafe ltfs check on the cartridge.", "Verify the cartridge."],
  },
  cleaning_cartridge: {
    title: "This is a cleaning cartridge",
    meaning: "It cleans drives and holds no data.",
    risk: SAFE,
    steps: ["Choose another cartridge."],
  },
  // Drives and library
  drive_busy: {
    title: "The drive is not ready",
    meaning:
      "It loads, rewinds or initialises. The first load of an LTO-9 cartridge takes up to two hours.",
    risk: KEPT,
    steps: ["Wait. Do not switch it off.", "Resume the job."],
  },
  drive_in_use: {
    title: "Another job uses the drive",
    meaning: "A drive belongs to one job at a time.",
    risk: SAFE,
    steps: ["Wait for that job, then start again."],
  },
  drive_reserved: {
    title: "Another host has reserved the drive",
    meaning: "The drive refuses this appliance as long as the other host holds it.",
    risk: SAFE,
    steps: [
      "End its use on that host.",
      "Only if that host is gone for good: an admin takes the drive from it on the drive's page.",
    ],
  },
  other_holder: {
    title: "Somebody else holds the drive now",
    meaning: "The holder has changed since you looked.",
    risk: SAFE,
    steps: ["Look again who holds it."],
  },
  drive_needs_cleaning: {
    title: "The drive asks to be cleaned",
    meaning: "Its heads are dirty. Writing on would risk errors.",
    risk: KEPT,
    steps: ["Put a cleaning cartridge into the drive.", "Resume the job."],
  },
  drive_bad: {
    title: "The drive failed",
    meaning: "It does not answer, or answers with hardware errors.",
    risk: KEPT,
    steps: ["Check its power and cables.", "Use another drive.", "Verify what it wrote last."],
  },
  drive_changed: {
    title: "The drive holds something else",
    meaning: "What is in the drive is not what the job left there.",
    risk: SAFE,
    steps: ["Take inventory.", "Resume the job."],
  },
  drive_unsupported: {
    title: "The drive cannot do this",
    meaning: "It does not know a command that is needed.",
    risk: SAFE,
    steps: ["Use another drive."],
  },
  drive_not_encrypting: {
    title: "The drive does not encrypt",
    meaning:
      "The pool's files are to be encrypted by the drive. It was given the key, and says of itself that it does something else.",
    risk: "No file was written without encryption.",
    steps: [
      "Look in the library's settings whether it manages encryption itself, and switch that off.",
      "Use another drive.",
      "Start the job again.",
    ],
  },
  wrong_key: {
    title: "The key is not the right one",
    meaning:
      "The drive says that what is on the tape was encrypted with another key than the one it was given.",
    risk: "The cartridge is not damaged.",
    steps: [
      "If another program wrote the cartridge, read it with that program, or give the drive its key.",
      "Otherwise read the cartridge's keys again: fossilsafe catalog rebuild, then fossilsafe kit open.",
    ],
  },
  no_drive: {
    title: "No drive for this cartridge",
    meaning: "No drive here reads the cartridge's generation.",
    risk: SAFE,
    steps: ["Use a drive of the cartridge's generation."],
  },
  position_lost: {
    title: "The drive was reset",
    meaning: "Its position on the tape is not known any more, so the writer stopped at once.",
    risk: KEPT,
    steps: ["Resume the job: it checks the volume before it writes on."],
  },
  operator_needed: {
    title: "Somebody has to look",
    meaning: "Drive or cartridge reported something that software cannot mend.",
    risk: KEPT,
    steps: ["Look at the drive and the cartridge.", "Resume the job."],
  },
  device: {
    title: "A device does not answer",
    meaning: "The command did not reach it or no answer came.",
    risk: KEPT,
    steps: ["Check power and cables.", "Try again."],
  },
  changer: {
    title: "The library reports a fault",
    meaning: "Its own panel knows more.",
    risk: "The cartridges stay where they are.",
    steps: ["Look at the library's panel.", "Try again."],
  },
  move_failed: {
    title: "A move failed",
    meaning: "The cartridge may be in the robot's hand or between two places.",
    risk: "Data is not at risk as long as nobody pulls at it.",
    steps: [
      "Look into the library.",
      "Put the cartridge where the message says.",
      "Take inventory.",
    ],
  },
  no_empty_slot: {
    title: "No empty slot",
    meaning: "There is nowhere to put the cartridge.",
    risk: SAFE,
    steps: ["Take a cartridge out by a mail slot."],
  },
  place_unknown: {
    title: "There is no such place",
    meaning: "The library has no slot, mail slot or drive of this number.",
    risk: SAFE,
    steps: ["Choose a place of the library map."],
  },
  place_empty: {
    title: "There is nothing to move",
    meaning: "No cartridge is where the move begins.",
    risk: SAFE,
    steps: ["Take inventory; somebody may have taken it out."],
  },
  place_full: {
    title: "The place is taken",
    meaning: "Another cartridge is where the move ends.",
    risk: SAFE,
    steps: ["Choose an empty place; take inventory if the map shows it empty."],
  },
  no_library: {
    title: "There is no changer",
    meaning: "The drive stands alone: nothing here moves cartridges.",
    risk: SAFE,
    steps: ["Load the cartridge by hand."],
  },
  no_changer: {
    title: "There is no changer",
    meaning: "The drive stands alone: nothing here moves cartridges.",
    risk: SAFE,
    steps: ["Load the cartridge by hand."],
  },
  // Catalog and engine
  catalog: {
    title: "The catalog refuses",
    meaning: "Reading or writing it failed.",
    risk: "The tapes hold everything that the catalog said is on them.",
    steps: [
      "Check the catalog on the Recovery page.",
      "If it is damaged, rebuild it from the tapes.",
    ],
  },
  path_relative: {
    title: "The path does not begin at the top",
    meaning: "Paths on the appliance begin with a slash, since nobody stands in a folder of it.",
    risk: SAFE,
    steps: ["Give the whole path, as /srv/photos."],
  },
  bad_channel: {
    title: "The channel could never deliver",
    meaning: "An address, an event or a secret of the channel is missing or cannot be right.",
    risk: SAFE,
    steps: ["Correct what the message names and set the channel again."],
  },
  channel_secret: {
    title: "The channel's secret cannot be opened",
    meaning: "It was sealed with a key that this appliance does not have any more.",
    risk: SAFE,
    steps: ["Set the channel again with its secret.", "Try it."],
  },
  alerts_unavailable: {
    title: "Alerts cannot be read or kept",
    meaning: "The file of alerts is busy, or its disk is full or refuses.",
    risk: SAFE,
    steps: ["Check the disk of the data folder, then try again."],
  },
  alerts_damaged: {
    title: "The file of alerts is damaged",
    meaning:
      "It was written by another release, or is not what was written. Backups are not affected.",
    risk: SAFE,
    steps: [
      "Put a copy of alerts.db back, or move it away and start the engine again.",
      "Then set the channels anew.",
    ],
  },
  kms_not_set: {
    title: "No key server is set",
    meaning: "The pool keeps its keys with a key server, and none is set.",
    risk: SAFE,
    steps: ["Set it, or restore its settings."],
  },
  kms_invalid: {
    title: "The key server cannot be set so",
    meaning: "What was typed makes no sense.",
    risk: SAFE,
    steps: ["Correct what the message names."],
  },
  kms_unreachable: {
    title: "The key server cannot be reached",
    meaning:
      "It does not run, the network is down, or its certificate is not from the authority that is set.",
    risk: SAFE,
    steps: ["Check the server, its address and its certificate.", "Then resume the job."],
  },
  kms_sealed: {
    title: "The key server is sealed",
    meaning: "It runs, and somebody has to unseal it after a start.",
    risk: SAFE,
    steps: ["Unseal it.", "Then resume the job."],
  },
  kms_denied: {
    title: "The key server denies access",
    meaning: "The token has ended, or its policy does not allow the path.",
    risk: SAFE,
    steps: ["Correct the policy or set a new token.", "Then resume the job."],
  },
  kms_missing: {
    title: "The key server has not got it",
    meaning: "Its key, or a data key that it kept, is not there.",
    risk: SAFE,
    steps: [
      "Compare mount, key and namespace.",
      "If it is lost for good, open the tapes with the recovery kit.",
    ],
  },
  kms_not_mounted: {
    title: "The key server has no such mount",
    meaning: "Nothing is mounted at that path.",
    risk: SAFE,
    steps: ["Compare the mount and the namespace with what the server has."],
  },
  kms_answer: {
    title: "The key server refuses",
    meaning: "It answers with a reason of its own, which the message shows.",
    risk: SAFE,
    steps: ["See the server's own log.", "Then resume the job."],
  },
  kms_other_key: {
    title: "The key server gives another key",
    meaning: "What it gave back is not what it was given.",
    risk: SAFE,
    steps: ["Bring back the server's data, or open the tapes with the recovery kit."],
  },
  kms_secret: {
    title: "The secret for the key server is lost",
    meaning: "It was sealed with another key of this machine.",
    risk: SAFE,
    steps: ["Set the key server again with its token or secret id."],
  },
  kms_in_use: {
    title: "The key server keeps keys",
    meaning: "Data keys are kept by it and nowhere else.",
    risk: SAFE,
    steps: ["Keep it: these keys open tapes."],
  },
  catalog_damaged: {
    title: "The catalog is damaged",
    meaning: "Its file does not agree with its own sums.",
    risk: "The tapes are not touched. The catalog can be read back from them.",
    steps: ["Check it on the Recovery page.", "Rebuild it from the tapes."],
  },
  catalog_corrupt: {
    title: "The catalog is damaged",
    meaning: "Its file does not agree with its own sums.",
    risk: "The tapes are not touched. The catalog can be read back from them.",
    steps: ["Check it on the Recovery page.", "Rebuild it from the tapes."],
  },
  catalog_unavailable: {
    title: "The catalog does not answer",
    meaning: "Its disk is full or gone.",
    risk: "The tapes are not touched.",
    steps: ["Check the disk of the data folder."],
  },
  set_in_use: {
    title: "The set is being backed up",
    meaning: "A set has one backup at a time.",
    risk: SAFE,
    steps: ["Wait for its job, or cancel it."],
  },
  no_run: {
    title: "The set has no run",
    meaning: "It was never backed up to the end.",
    risk: "Nothing of this set is on tape yet.",
    steps: ["Back it up."],
  },
  engine_away: {
    title: "The engine does not answer",
    meaning: "The gateway is there; the engine behind it is being started, or has stopped.",
    risk: "Jobs stop at a safe point when the engine ends and are taken up again when it starts.",
    steps: ["Wait a moment.", "If it stays so, look at the engine's log."],
  },
  engine_broke_off: {
    title: "The engine went away before it answered",
    meaning: "It stopped while the request was on its way.",
    risk: "What was asked may have been done or not.",
    steps: ["Look how things stand before you ask again."],
  },
  engine_busy: {
    title: "The engine has too many requests",
    meaning: "More requests wait for answers than it takes at one time.",
    risk: SAFE,
    steps: ["Try again in a moment.", "Look whether a script asks in a loop."],
  },
  too_many_requests: {
    title: "Too many requests from this address",
    meaning: "The gateway slows down who asks too often.",
    risk: SAFE,
    steps: ["Ask less often."],
  },

  // Pools, keys and recovery kits
  key_missing: {
    title: "The key of a pool is not here",
    meaning:
      "The files are encrypted, and this appliance does not have the data key that opens them.",
    risk: "Nothing is lost as long as there is a recovery kit: the key is on each tape, wrapped for it.",
    steps: [
      "Read a cartridge of the pool into the catalog: fossilsafe catalog rebuild.",
      "Open the key with the recovery kit: fossilsafe kit open.",
      "To write only, go on with a new key: fossilsafe pool rotate NAME.",
    ],
  },
  pool_unknown: {
    title: "There is no such pool",
    meaning: "The set belongs to a pool that this appliance does not know.",
    risk: SAFE,
    steps: ["Make the pool, encrypted if it was encrypted before."],
  },
  other_pool: {
    title: "The set belongs to another pool",
    meaning: "A set with runs never changes its pool, so that all its tapes are under one policy.",
    risk: SAFE,
    steps: ["Leave the pool out, or give the files another set name."],
  },
  oidc_not_set: {
    title: "No identity provider",
    meaning: "Nobody has set an identity provider, or it was taken away meanwhile.",
    risk: SAFE,
    steps: ["Sign in with name and password.", "An admin sets a provider in the settings."],
  },
  oidc_provider: {
    title: "The identity provider cannot be used",
    meaning: "It does not answer, answers otherwise than it should, or refuses this appliance.",
    risk: SAFE,
    steps: [
      "Try again, or sign in with name and password.",
      "An admin compares address, client and secret with what the provider has.",
    ],
  },
  oidc_not_pending: {
    title: "This sign-in is over",
    meaning: "It was begun more than ten minutes ago, in another window, or was finished already.",
    risk: SAFE,
    steps: ["Sign in again from the beginning."],
  },
  oidc_not_believed: {
    title: "The identity provider is not believed",
    meaning:
      "What it says of you is not signed as it should be, too old, or not for this appliance.",
    risk: SAFE,
    steps: [
      "Sign in again from the beginning.",
      "If it stays, an admin compares client, address and clocks with the provider's.",
    ],
  },
  oidc_no_role: {
    title: "No role for you here",
    meaning:
      "The identity provider knows you, but none of your groups has a role on this appliance.",
    risk: SAFE,
    steps: ["Ask an admin which groups have one."],
  },
  oidc_disabled: {
    title: "The user is disabled",
    meaning: "An admin has disabled this user here.",
    risk: SAFE,
    steps: ["Ask an admin."],
  },
  oidc_name_taken: {
    title: "The name is taken",
    meaning: "A user with a password has the name that the identity provider gives you.",
    risk: SAFE,
    steps: ["Sign in with the password.", "Or an admin removes that user, and it is made anew."],
  },
  kit_forgotten: {
    title: "The kit has to be typed again",
    meaning:
      "A kit is in memory for one drill only, and never kept. The appliance was restarted meanwhile.",
    risk: SAFE,
    steps: ["Type it again: Prove it on a tape."],
  },
  kit_opens_nothing: {
    title: "The kit does not open the tape",
    meaning: "With this paper and this cartridge alone, its files cannot be read.",
    risk: "As long as this appliance has its keys, nothing is lost.",
    steps: [
      "Try the other kit, and another cartridge.",
      "If none opens, make a new kit and confirm it.",
      "Back up once more: that wraps the keys for it.",
    ],
  },
  passkey_no_site: {
    title: "No passkeys at this address",
    meaning:
      "Browsers make and use passkeys for a name, over HTTPS or on localhost: not for a bare IP address, and not over plain HTTP.",
    risk: SAFE,
    steps: ["Open the console by a name and over HTTPS.", "Or sign in with the password."],
  },
  passkey_not_pending: {
    title: "This was begun too long ago",
    meaning: "A passkey answers a question of this appliance once, within five minutes.",
    risk: SAFE,
    steps: ["Begin again."],
  },
  passkey_refused: {
    title: "The passkey is not taken",
    meaning:
      "It is not known here, was made for another name of this appliance, or the device did not verify who uses it.",
    risk: SAFE,
    steps: [
      "Open the console at the name that stands beside the passkey in My account.",
      "Or sign in with the password.",
    ],
  },
  passkey_copied: {
    title: "The passkey counts backwards",
    meaning:
      "Devices count how often they sign. This one has counted further before: there may be a copy of it.",
    risk: "Nobody was signed in with it.",
    steps: [
      "Sign in with the password.",
      "Remove that passkey in My account, and make a new one.",
      "Look into the audit log for who has tried.",
    ],
  },
  no_cleaning_cartridge: {
    title: "No cleaning cartridge",
    meaning:
      "The library has no cleaning cartridge in a slot, or those that it has were used as often as they can be.",
    risk: SAFE,
    steps: [
      "Put a cleaning cartridge into a slot; its barcode begins with CLN.",
      "Take inventory of the library, and clean the drive again.",
    ],
  },
  hook_unusable: {
    title: "The hook cannot be used",
    meaning:
      "A script that runs before or after a backup is missing, or others could have written it.",
    risk: SAFE,
    steps: [
      "Put the script into the folder hooks of the data folder.",
      "Give it to root or to the engine's user, and let nobody else write it.",
    ],
  },
  hook_failed: {
    title: "A hook has failed",
    meaning: "A script that runs before or after a backup has ended badly or took too long.",
    risk: "If it runs before the backup, nothing was written; if after it, the files are on tape.",
    steps: ["Read what the script has said.", "Correct it and start the backup again."],
  },
  bad_hook_time: {
    title: "A hook cannot have that much time",
    meaning: "A script that runs before or after a backup may take 1 second to a day.",
    risk: SAFE,
    steps: ["Give it a time between."],
  },
  bad_retention: {
    title: "This is no retention",
    meaning: "It would keep nothing, or for longer than a hundred years.",
    risk: SAFE,
    steps: ["Name at least one day and one run, or keep everything."],
  },
  settings_document: {
    title: "The document is not known",
    meaning: "It is no export of settings, or a newer release wrote it.",
    risk: SAFE,
    steps: ["Take what this or an older release has exported."],
  },
  settings_unusable: {
    title: "A setting cannot be used",
    meaning: "A value is of the wrong kind or out of its range; the message names its key.",
    risk: SAFE,
    steps: ["Correct the value in the document or in settings.json."],
  },
  catalog_backup: {
    title: "The catalog backup was not made",
    meaning: "The folder is away, full or cannot be written, or a file could not be read.",
    risk: "Earlier backups are still there; the catalog is not affected.",
    steps: [
      "Check that the folder is there and has room; mount its share.",
      "Start the backup again, or wait for its schedule.",
    ],
  },
  pool_exists: {
    title: "The pool exists",
    meaning: "There is a pool of that name already.",
    risk: SAFE,
    steps: ["Choose another name."],
  },
  not_encrypted: {
    title: "The pool is not encrypted",
    meaning: "It has no data key, so there is none to be changed.",
    risk: SAFE,
    steps: ["Make an encrypted pool and back up to that."],
  },
  kit_not_confirmed: {
    title: "No recovery kit is confirmed",
    meaning:
      "An encrypted pool cannot be used before a recovery kit was printed and part of it typed back.",
    risk: "Nothing was written: without a kit nobody could ever read it back.",
    steps: ["Print a kit and keep the paper.", "Type back the groups that are asked for."],
  },
  bad_kit: {
    title: "This is not how a kit reads",
    meaning: "A group was typed wrong, or is of another kit: each group carries a check.",
    risk: SAFE,
    steps: ["Compare what was typed with the paper, group by group."],
  },
  nothing_opened: {
    title: "The kit opens none of the keys",
    meaning: "No data key that waits for a kit was wrapped for this one.",
    risk: SAFE,
    steps: ["Read the keys from a tape of the pool first.", "Or take the other kit."],
  },
  pool_refused: {
    title: "The pool does not allow it",
    meaning: "The policy of the pool stands against this job; the message says how.",
    risk: SAFE,
    steps: ["Do what the message says, then start the job again."],
  },

  audit_unavailable: {
    title: "The audit log cannot be written",
    meaning: "Every change is written down before it is made; the log's disk is full or fails.",
    risk: SAFE,
    steps: ["Make room on the disk of the data folder, or look at its health.", "Try again."],
  },
};

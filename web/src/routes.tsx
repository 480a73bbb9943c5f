// The whole map of the console. Home comes with the first load, every other page when it is opened.
import { lazy } from "react";
import { Route, Switch } from "wouter";
import { Home } from "./pages/home/Home";
import { MorePage } from "./pages/MorePage";
import { NotFoundPage } from "./pages/NotFoundPage";

const CartridgePage = lazy(async () => ({
  default: (await import("./pages/cartridges/CartridgePage")).CartridgePage,
}));
const ContentsPage = lazy(async () => ({
  default: (await import("./pages/cartridges/ContentsPage")).ContentsPage,
}));
const CartridgesPage = lazy(async () => ({
  default: (await import("./pages/cartridges/CartridgesPage")).CartridgesPage,
}));
const JobPage = lazy(async () => ({ default: (await import("./pages/jobs/JobPage")).JobPage }));
const JobsPage = lazy(async () => ({ default: (await import("./pages/jobs/JobsPage")).JobsPage }));
const LibraryPage = lazy(async () => ({
  default: (await import("./pages/library/LibraryPage")).LibraryPage,
}));
const ScanPage = lazy(async () => ({
  default: (await import("./pages/library/ScanPage")).ScanPage,
}));
const RunPage = lazy(async () => ({ default: (await import("./pages/sets/RunPage")).RunPage }));
const RunsPage = lazy(async () => ({ default: (await import("./pages/sets/RunsPage")).RunsPage }));
const SetPage = lazy(async () => ({ default: (await import("./pages/sets/SetPage")).SetPage }));
const SetsPage = lazy(async () => ({ default: (await import("./pages/sets/SetsPage")).SetsPage }));
const BackupPage = lazy(async () => ({
  default: (await import("./pages/backup/BackupPage")).BackupPage,
}));
const RestorePage = lazy(async () => ({
  default: (await import("./pages/restore/RestorePage")).RestorePage,
}));
const ProofPage = lazy(async () => ({
  default: (await import("./pages/restore/ProofPage")).ProofPage,
}));
const FilePage = lazy(async () => ({
  default: (await import("./pages/restore/FilePage")).FilePage,
}));
const SearchPage = lazy(async () => ({ default: (await import("./pages/SearchPage")).SearchPage }));
const RecoveryPage = lazy(async () => ({
  default: (await import("./pages/RecoveryPage")).RecoveryPage,
}));
const EquipmentPage = lazy(async () => ({
  default: (await import("./pages/equipment/EquipmentPage")).EquipmentPage,
}));
const HealthPage = lazy(async () => ({ default: (await import("./pages/HealthPage")).HealthPage }));
const SettingsPage = lazy(async () => ({
  default: (await import("./pages/system/SettingsPage")).SettingsPage,
}));
const AlertsPage = lazy(async () => ({
  default: (await import("./pages/alerts/AlertsPage")).AlertsPage,
}));
const NotificationsPage = lazy(async () => ({
  default: (await import("./pages/alerts/NotificationsPage")).NotificationsPage,
}));
const SourcesPage = lazy(async () => ({
  default: (await import("./pages/sources/SourcesPage")).SourcesPage,
}));
const TimePage = lazy(async () => ({
  default: (await import("./pages/time/TimePage")).TimePage,
}));
const NetworkPage = lazy(async () => ({
  default: (await import("./pages/network/NetworkPage")).NetworkPage,
}));
const StreamingPage = lazy(async () => ({
  default: (await import("./pages/streaming/StreamingPage")).StreamingPage,
}));
const CertificatePage = lazy(async () => ({
  default: (await import("./pages/certificate/CertificatePage")).CertificatePage,
}));
const SelfTestPage = lazy(async () => ({
  default: (await import("./pages/selftest/SelfTestPage")).SelfTestPage,
}));
const UpdatesPage = lazy(async () => ({
  default: (await import("./pages/updates/UpdatesPage")).UpdatesPage,
}));
const KeptPage = lazy(async () => ({
  default: (await import("./pages/system/KeptPage")).KeptPage,
}));
const LogsPage = lazy(async () => ({
  default: (await import("./pages/system/LogsPage")).LogsPage,
}));
const SchedulesPage = lazy(async () => ({
  default: (await import("./pages/schedules/SchedulesPage")).SchedulesPage,
}));
const SchedulePage = lazy(async () => ({
  default: (await import("./pages/schedules/SchedulePage")).SchedulePage,
}));
const PoolsPage = lazy(async () => ({
  default: (await import("./pages/keys/PoolsPage")).PoolsPage,
}));
const KitPage = lazy(async () => ({ default: (await import("./pages/keys/KitPage")).KitPage }));
const AccountPage = lazy(async () => ({
  default: (await import("./pages/people/AccountPage")).AccountPage,
}));
const UsersPage = lazy(async () => ({
  default: (await import("./pages/people/UsersPage")).UsersPage,
}));
const ApiKeysPage = lazy(async () => ({
  default: (await import("./pages/people/ApiKeysPage")).ApiKeysPage,
}));
const ProviderPage = lazy(async () => ({
  default: (await import("./pages/people/ProviderPage")).ProviderPage,
}));
const KeyServerPage = lazy(async () => ({
  default: (await import("./pages/keys/KeyServerPage")).KeyServerPage,
}));
const ApprovalsPage = lazy(async () => ({
  default: (await import("./pages/people/ApprovalsPage")).ApprovalsPage,
}));
const AuditPage = lazy(async () => ({
  default: (await import("./pages/people/AuditPage")).AuditPage,
}));
const LabelsPage = lazy(async () => ({
  default: (await import("./pages/cartridges/LabelsPage")).LabelsPage,
}));
const HelpPage = lazy(async () => ({ default: (await import("./pages/HelpPage")).HelpPage }));
const ErrorHelpPage = lazy(async () => ({
  default: (await import("./pages/HelpPage")).ErrorHelpPage,
}));

export function Routes() {
  return (
    <Switch>
      <Route path="/" component={Home} />
      <Route path="/library" component={LibraryPage} />
      <Route path="/library/scan" component={ScanPage} />
      <Route path="/cartridges" component={CartridgesPage} />
      <Route path="/cartridges/labels" component={LabelsPage} />
      <Route path="/cartridges/:barcode/contents">
        {({ barcode }) => <ContentsPage key={barcode} barcode={barcode} />}
      </Route>
      <Route path="/cartridges/:barcode">
        {({ barcode }) => <CartridgePage key={barcode} barcode={barcode} />}
      </Route>
      <Route path="/jobs" component={JobsPage} />
      <Route path="/jobs/:id/proof">{({ id }) => <ProofPage key={id} id={Number(id)} />}</Route>
      <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={Number(id)} />}</Route>
      <Route path="/sets" component={SetsPage} />
      <Route path="/sets/:name">{({ name }) => <SetPage key={name} name={name} />}</Route>
      <Route path="/runs" component={RunsPage} />
      <Route path="/runs/:run">{({ run }) => <RunPage key={run} id={run} />}</Route>
      <Route path="/backup" component={BackupPage} />
      <Route path="/restore" component={RestorePage} />
      <Route path="/search" component={SearchPage} />
      <Route path="/file" component={FilePage} />
      <Route path="/recovery" component={RecoveryPage} />
      <Route path="/equipment" component={EquipmentPage} />
      <Route path="/health" component={HealthPage} />
      <Route path="/self-test" component={SelfTestPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route path="/alerts" component={AlertsPage} />
      <Route path="/settings/notifications" component={NotificationsPage} />
      <Route path="/settings/network" component={NetworkPage} />
      <Route path="/settings/time" component={TimePage} />
      <Route path="/settings/streaming" component={StreamingPage} />
      <Route path="/settings/certificates" component={CertificatePage} />
      <Route path="/settings/updates" component={UpdatesPage} />
      <Route path="/settings/backups" component={KeptPage} />
      <Route path="/settings/logs" component={LogsPage} />
      <Route path="/settings/sources" component={SourcesPage} />
      <Route path="/schedules" component={SchedulesPage} />
      <Route path="/schedules/:name">{({ name }) => <SchedulePage key={name} name={name} />}</Route>
      <Route path="/pools" component={PoolsPage} />
      <Route path="/pools/kit" component={KitPage} />
      <Route path="/account" component={AccountPage} />
      <Route path="/settings/users" component={UsersPage} />
      <Route path="/settings/api-keys" component={ApiKeysPage} />
      <Route path="/settings/sign-in" component={ProviderPage} />
      <Route path="/settings/key-server" component={KeyServerPage} />
      <Route path="/settings/approvals" component={ApprovalsPage} />
      <Route path="/settings/audit" component={AuditPage} />
      <Route path="/help">{() => <HelpPage />}</Route>
      <Route path="/help/errors/:code">{({ code }) => <ErrorHelpPage code={code} />}</Route>
      <Route path="/help/:topic">{({ topic }) => <HelpPage topic={topic} />}</Route>
      <Route path="/more" component={MorePage} />
      <Route component={NotFoundPage} />
    </Switch>
  );
}

// What each step of the wizard is given.
import type { BackupDraft } from "../../forms/backup-draft";

export interface StepProps {
  draft: BackupDraft;
  change: (part: Partial<BackupDraft>) => void;
  isShowingWrong: boolean;
}

// The console is locked while a dialog or a wizard is open: nothing below it may be fetched anew and
// move under the person's hand. Locks are counted, since a dialog can open above a wizard.
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from "react";

interface UiLock {
  isLocked: boolean;
  /** Takes a lock; the answer gives it back. */
  take: () => () => void;
}

const UiLockContext = createContext<UiLock>({ isLocked: false, take: () => () => {} });

export function UiLockProvider({ children }: { children: ReactNode }) {
  const [held, setHeld] = useState(0);
  const take = useCallback(() => {
    setHeld((before) => before + 1);
    let isHeld = true;
    return () => {
      if (isHeld) setHeld((before) => before - 1);
      isHeld = false;
    };
  }, []);
  const value = useMemo(() => ({ isLocked: held > 0, take }), [held, take]);
  return <UiLockContext.Provider value={value}>{children}</UiLockContext.Provider>;
}

export function useIsUiLocked(): boolean {
  return useContext(UiLockContext).isLocked;
}

/** Holds the console locked while `isActive`. */
export function useUiLock(isActive: boolean): void {
  const { take } = useContext(UiLockContext);
  useEffect(() => (isActive ? take() : undefined), [isActive, take]);
}

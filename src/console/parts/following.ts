/**
 * What somebody types over what the address tells.
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** A signal that begins as `told`, and is `told` again whenever that changes: the reader has gone elsewhere on the same page. */
export const useFollowing = (told: string): Signal<string> => {
  const typed = useSignal(told);
  useEffect(() => {
    typed.value = told;
  }, [told]);
  return typed;
};

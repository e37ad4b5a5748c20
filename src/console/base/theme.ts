/**
 * Light or dark: as the system is, unless something else was chosen here.
 */
import { computed, effect, signal } from "@preact/signals";
import { remember, remembered } from "./memory.js";

export type Theme = "light" | "dark";
export type ThemeChoice = Theme | "system";

const isTheme = (value: string | undefined): value is Theme => value === "light" || value === "dark";

const kept = remembered("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(dark.matches);
dark.addEventListener("change", () => {
  systemIsDark.value = dark.matches;
});

export const themeChoice = signal<ThemeChoice>(isTheme(kept) ? kept : "system");

/** What is shown. */
export const theme = computed<Theme>(() => {
  const choice = themeChoice.value;
  if (choice !== "system") return choice;
  return systemIsDark.value ? "dark" : "light";
});

export const chooseTheme = (choice: ThemeChoice): void => {
  themeChoice.value = choice;
  remember("theme", choice === "system" ? undefined : choice);
};

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

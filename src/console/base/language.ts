/**
 * The language of the page: the browser's, or the one that was chosen here last.
 */
import { effect, signal } from "@preact/signals";
import { remember, remembered } from "./memory.js";

export type Language = "en" | "zh";

/** The languages, by their own names. */
export const LANGUAGES: Readonly<Record<Language, string>> = { en: "English", zh: "中文" };

const isLanguage = (value: string | undefined): value is Language => value !== undefined && value in LANGUAGES;

const preferred = (): Language =>
  navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => isLanguage(tag)) ?? "en";

const chosen = remembered("language");

export const language = signal<Language>(isLanguage(chosen) ? chosen : preferred());

export const chooseLanguage = (next: Language): void => {
  language.value = next;
  remember("language", next);
};

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-Hans" : "en";
});

/**
 * The texts of a part or a page, in both languages: what one has the other must have too, functions with the same arguments.
 * What it returns gives those of the present language; a component that calls it is drawn again when that changes.
 *
 * ```ts
 * export const text = texts({
 *   en: { title: "Connections", closed: (id: number) => `Connection ${id} is closed.` },
 *   zh: { title: "连接", closed: (id) => `连接 ${id} 已关闭。` },
 * });
 * ```
 */
export const texts =
  <T extends Readonly<Record<string, unknown>>>(both: { readonly en: T; readonly zh: NoInfer<T> }): (() => T) =>
  () =>
    both[language.value];
